import type { Command } from './command.ts';

/** What `parley help` says. */
export function help(commands: readonly Command[]): string {
  return [
    'Parley, a self-hosted chat backend.',
    '',
    'Usage: parley COMMAND [OPTIONS]',
    '',
    ...columns(commands.map((command) => [`${command.name} ${command.operands}`.trim(), command.summary])),
    ...columns([
      ['help [COMMAND]', 'Say this, or more about a command.'],
      ['version', 'Say which version this is.'],
    ]),
    '',
    'Everything else is set by environment variables: docs/configuration.md lists them.',
    '',
  ].join('\n');
}

/** What `parley help COMMAND` says. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options);
  const usage = `Usage: parley ${command.name}${options.length > 0 ? ' [OPTIONS]' : ''} ${command.operands}`;
  return [
    usage.trimEnd(),
    '',
    command.summary,
    '',
    ...columns(
      options.map(([name, { value, doc }]) => [`--${name}${value === undefined ? '' : ` ${value}`}`, doc]),
    ),
    ...(options.length > 0 ? [''] : []),
  ].join('\n');
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([left, right]) => `  ${left.padEnd(20)} ${right}`);
}
