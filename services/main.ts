import { runCli } from './cli/run-cli.ts';
import { commandsFor } from './commands.ts';

const argv = process.argv.slice(2);
process.exitCode = await runCli(argv, await commandsFor(argv[0]));
// By now nothing should keep the process; what does anyway gets no say.
setTimeout(() => process.exit(), 2_000).unref();
