import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { describeType, parseText } from './option-type.ts';

/**
 * Configuration: every part declares its options as a table, `loadConfig` turns tables and environment into one frozen
 * object that is complete, so nobody asks "is it set?" later. This is the only place that reads the environment.
 */

export interface Option<T> {
  /** The variable, `PARLEY_…`. */
  readonly env: string;
  /** What the value must be. Texts become numbers, booleans and (comma separated) lists as the type asks. */
  readonly type: z.ZodType<T>;
  /** Taken when the variable is unset or empty. */
  readonly default: T;
  /** One sentence for docs/configuration.md; says the unit. */
  readonly doc: string;
  /** Never shown, not even in the message about a bad value. May be in a file that `PARLEY_…_FILE` names. */
  readonly secret?: boolean;
}

/** The options of one part, by the name that the part knows them by. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;
/** The tables of all parts, by the name of the part. */
export type OptionTables = Readonly<Record<string, OptionTable>>;
export type Environment = Readonly<Record<string, string | undefined>>;

type ValuesOf<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never;
};
/** What `loadConfig` makes of tables: `config.part.option`. */
export type ConfigOf<Tables extends OptionTables> = {
  readonly [Part in keyof Tables]: ValuesOf<Tables[Part]>;
};

/** Declares an option; infers its type. */
export function option<T>(declared: Option<T>): Option<T> {
  return declared;
}

/** One or more variables hold what they can't; each problem names its variable and what that wants. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The configuration as the environment has it. Throws a ConfigError with all bad values, not only the first. */
export function loadConfig<const Tables extends OptionTables>(
  tables: Tables,
  env: Environment = process.env,
): ConfigOf<Tables> {
  const problems: string[] = [];
  const config: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [part, table] of Object.entries(tables)) {
    const values: Record<string, unknown> = {};
    for (const [name, declared] of Object.entries(table)) {
      values[name] = valueOf(declared, textOf(declared, env, problems), problems);
    }
    config[part] = Object.freeze(values);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config) as ConfigOf<Tables>;
}

/** As containers, systemd and Kubernetes hand secrets over: the file's text, without the line end that editors add. */
function textOf(declared: Option<unknown>, env: Environment, problems: string[]): string | undefined {
  const text = env[declared.env];
  const variable = fileVariable(declared);
  const file = variable === undefined ? '' : (env[variable] ?? '');
  if (file === '') return text;
  if (text !== undefined && text !== '') {
    problems.push(`${variable} must not be set beside ${declared.env}`);
    return undefined;
  }
  try {
    const content = readFileSync(file, 'utf8').trim();
    if (content !== '') return content;
    problems.push(`${variable} must name a file with the value; ${file} is empty`);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    problems.push(`${variable} must name a file that can be read; ${file} can't (${code})`);
  }
  return undefined;
}

function fileVariable(declared: Option<unknown>): string | undefined {
  return declared.secret === true ? `${declared.env}_FILE` : undefined;
}

function valueOf(declared: Option<unknown>, text: string | undefined, problems: string[]): unknown {
  if (text === undefined || text === '') return declared.default;
  const parsed = declared.type.safeParse(parseText(declared.type, text));
  if (parsed.success) return parsed.data;
  const got = declared.secret ? '' : `; it is ${JSON.stringify(text)}`;
  // A rule that the type can't put in words (a refinement) has words of its own.
  const custom = parsed.error.issues.find((issue) => issue.code === 'custom');
  const wanted = custom ? custom.message : describeType(declared.type);
  problems.push(`${declared.env} must be ${wanted}${got}`);
  return undefined;
}

/** A warning for each PARLEY_… variable that no table knows, with the likeliest name that was meant. */
export function unknownVariables(tables: OptionTables, env: Environment = process.env): string[] {
  const declared = Object.values(tables).flatMap((table) => Object.values(table));
  const known = new Set(declared.flatMap((each) => [each.env, fileVariable(each) ?? each.env]));
  return Object.keys(env)
    .filter((name) => name.startsWith('PARLEY_') && !known.has(name))
    .sort()
    .map((name) => {
      const near = nearest(name, known);
      return `${name} is not an option${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

/** The candidate that is closest to a mistyped word, if any is close enough to have been meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

export interface OptionDescription {
  readonly env: string;
  /** The variable that may name a file with the value instead. */
  readonly fileEnv: string | undefined;
  readonly wants: string;
  /** As one would write it into the environment; empty when there is none. */
  readonly default: string;
  readonly doc: string;
}

/** All options in the order of their tables, for the reference page. */
export function describeOptions(
  tables: OptionTables,
): { readonly part: string; readonly options: OptionDescription[] }[] {
  return Object.entries(tables).map(([part, table]) => ({
    part,
    options: Object.values(table).map((declared) => ({
      env: declared.env,
      fileEnv: fileVariable(declared),
      wants: describeType(declared.type),
      default: declared.secret ? '' : defaultText(declared.default),
      doc: declared.doc,
    })),
  }));
}

function defaultText(value: unknown): string {
  if (value === undefined) return '';
  return Array.isArray(value) ? value.join(',') : String(value);
}
