import type { Dialect } from '../generator/protocol.ts';

/** A server under test, running. */
export interface Target extends AsyncDisposable {
  /** As the table of results calls it. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly port: number;
  /** The processes whose CPU time counts: the server, and its database. */
  readonly pids: readonly number[];
}
