import type { PassRequest } from './load.ts';
import type { PoolSpec } from './pool.ts';

/** How the generator talks to a server. */
export type Dialect = 'parley-ws' | 'parley-grpc' | 'socketio' | 'relay-naive' | 'relay-coalesce';

export type Shape =
  | { readonly t: 'pairs'; readonly users: number; readonly conversations: number }
  | { readonly t: 'group'; readonly members: number };

export interface LoadSpec {
  readonly dialect: Dialect;
  /** Where the server listens; where there are several doors, users are spread over them. */
  readonly ports: readonly number[];
  readonly shape: Shape;
  /** Length of each text. */
  readonly textBytes: number;
  /** What the names of the users begin with (Parley's dialects only). Default: u. */
  readonly prefix?: string;
}

/** What the bench asks of its generator process; each is answered by one reply with the same id. */
export type Request =
  | { readonly t: 'open'; readonly id: number; readonly spec: LoadSpec }
  | { readonly t: 'pass'; readonly id: number; readonly request: PassRequest }
  | { readonly t: 'pages'; readonly id: number; readonly request: PassRequest }
  | { readonly t: 'close'; readonly id: number }
  | { readonly t: 'connect'; readonly id: number; readonly spec: PoolSpec }
  | { readonly t: 'befriend'; readonly id: number; readonly each: number }
  | { readonly t: 'failures'; readonly id: number }
  | { readonly t: 'disconnect'; readonly id: number };

export type Reply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };
