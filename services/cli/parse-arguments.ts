import { nearest } from '../core/config.ts';
import { type Arguments, type Command, UsageError } from './command.ts';

/**
 * Takes a command's arguments apart: `--option value`, `--option=value`, `--flag`, operands in between, and after `--`
 * operands alone. Throws a UsageError that names what is wrong.
 */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const operands: string[] = [];
  const values = new Map<string, string[]>();
  const flags = new Set<string>();
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      operands.push(...rest.splice(0));
    } else if (arg.length > 1 && arg.startsWith('-')) {
      const equals = arg.indexOf('=');
      const name = equals < 0 ? arg : arg.slice(0, equals);
      const option = command.options[optionKey(command, name)];
      const attached = equals < 0 ? undefined : arg.slice(equals + 1);
      if (option?.value === undefined) {
        if (attached !== undefined) throw new UsageError(`${name} takes no value`);
        flags.add(name.slice(2));
      } else {
        const value = attached ?? rest.shift();
        if (value === undefined) throw new UsageError(`${name} needs a value: ${name} ${option.value}`);
        values.set(name.slice(2), [...(values.get(name.slice(2)) ?? []), value]);
      }
    } else {
      operands.push(arg);
    }
  }
  if (operands.length < command.least) throw new UsageError(`${command.name} needs ${command.operands}`);
  if (operands.length > command.most) {
    throw new UsageError(`${command.name} takes no further ${JSON.stringify(operands[command.most])}`);
  }
  return { operands, values, flags };
}

function optionKey(command: Command, name: string): string {
  const key = name.slice(2);
  if (name.startsWith('--') && Object.hasOwn(command.options, key)) return key;
  const near = nearest(
    name,
    Object.keys(command.options).map((each) => `--${each}`),
  );
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new UsageError(`${command.name} has no option ${name}${hint}`);
}

/** The only value of an option, or undefined. Throws a UsageError when it was given twice. */
export function oneValue(args: Arguments, name: string): string | undefined {
  const given = args.values.get(name) ?? [];
  if (given.length > 1) throw new UsageError(`--${name} may be given once`);
  return given[0];
}
