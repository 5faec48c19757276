import { ConfigError, nearest } from '../core/config.ts';
import { Fault } from '../core/fault.ts';
import { version } from '../version.ts';
import { type Command, type CommandIo, UsageError } from './command.ts';
import { commandHelp, help } from './help.ts';
import { parseArguments } from './parse-arguments.ts';

export const processIo: CommandIo = {
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY === true,
};

/**
 * Runs what the command line asks for. Resolves with the exit status: the command's own; 2 when the command line is
 * wrong, 1 when the configuration is or something refused. Rejects with what nobody expected.
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  io: CommandIo = processIo,
): Promise<number> {
  const [name = 'help', ...rest] = argv;
  try {
    if (name === '--version' || name === 'version') {
      io.out(`${version()}\n`);
      return 0;
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      const [topic] = rest;
      io.out(topic === undefined ? help(commands) : commandHelp(find(commands, topic)));
      return 0;
    }
    const command = find(commands, name);
    if (asksForHelp(rest)) {
      io.out(commandHelp(command));
      return 0;
    }
    return await command.run(parseArguments(command, rest), io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.note(`parley: ${error.message}\nTry: parley help\n`);
      return 2;
    }
    if (error instanceof ConfigError) {
      for (const problem of error.problems) io.note(`parley: ${problem}\n`);
      return 1;
    }
    if (error instanceof Fault && error.reason !== 'internal') {
      io.note(`parley: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

function find(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found) return found;
  if (name.startsWith('-')) throw new UsageError(`unknown option ${name}; a command comes first`);
  const near = nearest(
    name,
    commands.map((command) => command.name),
  );
  throw new UsageError(`unknown command ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}
