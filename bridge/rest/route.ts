import type { DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { z } from 'zod';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Makes a unary call as whoever made the request. Rejects with a ConnectError. */
export type Call = <M extends DescMethodUnary>(
  method: M,
  request: MessageInitShape<M['input']>,
) => Promise<MessageShape<M['output']>>;

export interface RouteContext {
  readonly call: Call;
  /** The header `Idempotency-Key`, else drawn: the client id of whatever the request makes. */
  readonly clientId: string;
}

/**
 * One REST route: what it takes, what it answers, and the unary call that it becomes. It is served, and described in
 * the OpenAPI document, from this one object.
 */
export interface Route {
  readonly method: HttpMethod;
  /** Like `/api/v1/groups/{id}`; the names in braces are fields of `params`. */
  readonly path: string;
  /** Names the operation in generated clients. */
  readonly operation: string;
  readonly summary: string;
  /** The request makes an entry: with an Idempotency-Key it may be repeated safely. */
  readonly idempotent: boolean;
  /** Fields in the path. */
  readonly params: z.ZodObject;
  /** Fields in the query. */
  readonly query: z.ZodObject;
  /** Fields in the JSON body; undefined when there is none. */
  readonly body: z.ZodObject | undefined;
  /** Fields of the answer, besides `code`. */
  readonly output: z.ZodObject;
  /** Gets the fields of params, query and body together. */
  handle(input: never, context: RouteContext): Promise<object>;
}

const nothing = z.object({});
type Nothing = typeof nothing;
type OutputOf<T extends z.ZodObject> = [keyof T['shape']] extends [never] ? unknown : z.output<T>;

interface RouteSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodObject,
  O extends z.ZodObject,
> {
  readonly method: HttpMethod;
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  readonly idempotent?: boolean;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly output: O;
  handle(input: OutputOf<P> & OutputOf<Q> & OutputOf<B>, context: RouteContext): Promise<z.input<O>>;
}

/** Declares a route; infers what its handler gets and must answer. */
export function route<
  O extends z.ZodObject,
  P extends z.ZodObject = Nothing,
  Q extends z.ZodObject = Nothing,
  B extends z.ZodObject = Nothing,
>(spec: RouteSpec<P, Q, B, O>): Route {
  return { idempotent: false, params: nothing, query: nothing, body: undefined, ...spec };
}
