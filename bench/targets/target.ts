import type { Dialect } from '../generator/protocol.ts';

/** A server under test, running. */
export interface Target extends AsyncDisposable {
  /** As the table of results calls it. */
  readonly name: string;
  readonly dialect: Dialect;
  /** Its doors: users are spread over them. */
  readonly ports: readonly number[];
  /** The processes whose CPU time counts: the server, and its database, unless that is told apart. */
  readonly pids: readonly number[];
  /** Processes whose CPU time is told besides, by what they are: parts of a server, or a database that doesn't count. */
  readonly shares?: Readonly<Record<string, readonly number[]>>;
}
