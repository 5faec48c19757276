import { chatCommand } from './chat-command.ts';
import { exportCommand, importCommand } from './cli/archive-command.ts';
import { checkCommand } from './cli/check-command.ts';
import { deadLettersCommand } from './cli/dead-letters-command.ts';
import { revokeCommand } from './cli/revoke-command.ts';
import { renewEpochCommand } from './cli/renew-epoch-command.ts';
import { runCli } from './cli/run-cli.ts';
import { startCommand } from './cli/start-command.ts';
import { tokenCommand } from './cli/token-command.ts';

const commands = [
  startCommand(),
  chatCommand(),
  tokenCommand(),
  revokeCommand(),
  checkCommand(),
  exportCommand(),
  importCommand(),
  renewEpochCommand(),
  deadLettersCommand(),
];
process.exitCode = await runCli(process.argv.slice(2), commands);
// By now nothing should keep the process; what does anyway gets no say.
setTimeout(() => process.exit(), 2_000).unref();
