import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { IdService } from '../../gen/parley/chat/v1/id_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { Clock } from '../core/clock.ts';
import type { CallContext, UnaryHost } from '../core/door.ts';
import { Fault, toFault } from '../core/fault.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import type { Operation, Result } from '../peer/edge-frames.ts';
import type { Authenticator, Caller } from './auth.ts';
import type { OwnerLinks } from './owner-links.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Rates } from './rates.ts';
import { conversationRoutes } from './routes/conversation-routes.ts';
import { groupRoutes } from './routes/group-routes.ts';
import { messageRoutes } from './routes/message-routes.ts';
import { adminRoutes, idRoutes, presenceRoutes } from './routes/other-routes.ts';
import type { RouteContext } from './routes/route.ts';
import type { Tokens } from './token.ts';

type AnyHandler = (request: unknown, context: RouteContext) => Promise<object> | object;

interface Route {
  readonly method: DescMethod;
  readonly handle: AnyHandler;
}

/** Calls under way, at most. */
const maxCalls = 4_096;

/** The unary calls: the same operations as the session's commands, one call at a time. */
export class UnaryApi implements UnaryHost {
  readonly #parts: UnaryParts;
  readonly #routes = new Map<string, Route>();
  #calls = 0;

  constructor(parts: UnaryParts) {
    this.#parts = parts;
    this.#add(MessageService, messageRoutes);
    this.#add(ConversationService, conversationRoutes);
    this.#add(GroupService, groupRoutes);
    this.#add(PresenceService, presenceRoutes);
    this.#add(IdService, idRoutes);
    this.#add(AdminService, adminRoutes);
  }

  async call(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    this.#calls += 1;
    try {
      if (this.#calls > maxCalls) {
        throw new Fault('overloaded', { message: 'too many calls wait for their answer', retryAfterMs: 100 });
      }
      return await this.#carryOut(rpc, request, context);
    } catch (error) {
      const fault = toFault(error instanceof DirectoryError ? faultOf(error) : error);
      this.#parts.meters.refuse(fault.reason);
      throw fault;
    } finally {
      this.#calls -= 1;
    }
  }

  async #carryOut(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    const { auth, clock, tokens, messages, directory } = this.#parts;
    const route = this.#routes.get(rpc);
    if (route === undefined) throw new Fault('unknownCommand', { message: `there is no ${rpc}` });
    const caller = await auth.resolveCaller(context);
    const spend = this.#pace(caller);
    const ask = async <T extends Result['t']>(op: Operation, t: T): Promise<Extract<Result, { t: T }>> => {
      const result = await messages.ask(caller.userId, op);
      if (result.t !== t) throw new Error(`expected ${t}, got ${result.t}`);
      return result as Extract<Result, { t: T }>;
    };
    const answer = await route.handle(request, { caller, clock, tokens, directory, ask, spend });
    return create(route.method.output, answer as MessageInitShape<DescMessage>);
  }

  /** Throws `rateLimited` when a user calls too fast; services are trusted. Returns how to pay for more than a call. */
  #pace({ kind, userId }: Caller): (price: number) => void {
    if (kind !== 'user') return free;
    const { rates, clock } = this.#parts;
    const rate = rates.of(userId);
    const waitMs = rate.take(clock.monotonicMs());
    if (waitMs === 0) return (price) => rate.spend(clock.monotonicMs(), price);
    throw new Fault('rateLimited', { message: 'too many calls a second', retryAfterMs: waitMs });
  }

  #add(service: DescService, handlers: object): void {
    for (const [name, handle] of Object.entries(handlers)) {
      const method = service.method[name];
      if (method === undefined) throw new Error(`${service.typeName} has no method ${name}`);
      this.#routes.set(`${service.typeName}/${method.name}`, { method, handle: handle as AnyHandler });
    }
  }
}

function free(): void {}

function faultOf(error: DirectoryError): Fault {
  if (error.kind === 'full') return new Fault('overloaded', { message: error.message, cause: error });
  return new Fault('directoryUnavailable', { message: error.message, cause: error });
}

export interface UnaryParts {
  readonly auth: Authenticator;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly messages: OwnerLinks;
  readonly meters: ConnectionMeters;
  readonly rates: Rates;
  readonly directory: Pick<Directory, 'sessions' | 'revocations'>;
}
