import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Clock } from '../../core/clock.ts';
import type { UserId } from '../../core/ids.ts';
import type { Directory } from '../../ports/directory.ts';
import type { Operation, Result } from '../../peer/edge-frames.ts';
import type { Administration } from '../../peer/administration.ts';
import type { Caller } from '../auth.ts';
import type { Tokens } from '../token.ts';

/** What a unary call may use. */
export interface RouteContext {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly directory: Pick<Directory, 'sessions' | 'revocations'>;
  readonly administration: Administration;
  /** Where the call came from. */
  readonly remoteAddress: string;
  /** The application server key of Web Push, for browsers; empty where there is none. */
  readonly webPushKey: Uint8Array;
  /** Has the caller pay for work that is more than a call's. */
  spend(price: number): void;
  /** Asks a message node on the caller's behalf, or on that of a user of whom the caller may dispose. */
  ask<T extends Result['t']>(op: Operation, t: T, userId?: UserId): Promise<Extract<Result, { t: T }>>;
}

type Methods<Service extends DescService> = Service['method'];
type Handler<Method> =
  Method extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: RouteContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : never;

/** One handler for each unary method of a service. */
export type Routes<Service extends DescService> = {
  readonly [Name in keyof Methods<Service>]: Handler<Methods<Service>[Name]>;
};
