/** What a command of `parley` declares; `run-cli.ts` does the rest. */
export interface Command {
  readonly name: string;
  /** What follows the name in the usage line, options left out: `NAME`. */
  readonly operands: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  /** How many operands it takes. */
  readonly least: number;
  readonly most: number;
  /** Resolves with the exit status; rejects with a UsageError, a ConfigError, or whatever went wrong. */
  run(args: Arguments, io: CommandIo): Promise<number>;
}

export interface CommandOption {
  /** A placeholder such as `SECONDS`; absent for options without a value. */
  readonly value?: string;
  readonly doc: string;
}

export interface CommandIo {
  /** Results, for people and pipes. */
  out(text: string): void;
  /** Everything said beside the result. */
  note(text: string): void;
  /** Whether somebody sees the notes as they are written, on a terminal that takes \r. */
  readonly terminal?: boolean;
}

/** What was asked on the command line, checked against what the command declares. */
export interface Arguments {
  readonly operands: readonly string[];
  /** The values of an option in their order; empty when it was not given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Options without a value that were given. */
  readonly flags: ReadonlySet<string>;
}

/** What was asked can't be. Ends the process with status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
