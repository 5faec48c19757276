import { runCli } from './cli/run-cli.ts';
import { commands } from './commands.ts';

process.exitCode = await runCli(process.argv.slice(2), commands);
// By now nothing should keep the process; what does anyway gets no say.
setTimeout(() => process.exit(), 2_000).unref();
