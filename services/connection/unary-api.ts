import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { AuditService } from '../../gen/parley/chat/v1/audit_pb.ts';
import { ClusterService } from '../../gen/parley/chat/v1/cluster_pb.ts';
import { ConversationService } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { DeadLetterService } from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
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
import { traceNowMs } from '../core/trace-clock.ts';
import type { TraceContext } from '../core/trace-context.ts';
import { type Directory, DirectoryError } from '../ports/directory.ts';
import type { Operation, Result, SendOperation } from '../peer/edge-frames.ts';
import type { Administration } from '../peer/administration.ts';
import { AdminGate } from './admin-gate.ts';
import { type Authenticator, type Caller, requireScope } from './auth.ts';
import type { CommandTraces } from './command-traces.ts';
import type { OwnerLinks } from './owner-links.ts';
import { type ConnectionMeters, serversDoing } from './meters.ts';
import type { Rates } from './rates.ts';
import type { SessionEvents } from './session-events.ts';
import { conversationRoutes } from './routes/conversation-routes.ts';
import { deviceRoutes } from './routes/device-routes.ts';
import { groupRoutes } from './routes/group-routes.ts';
import { messageRoutes } from './routes/message-routes.ts';
import { adminRoutes } from './routes/admin-routes.ts';
import { auditRoutes } from './routes/audit-routes.ts';
import { clusterRoutes } from './routes/cluster-routes.ts';
import { deadLetterRoutes } from './routes/dead-letter-routes.ts';
import { idRoutes, presenceRoutes } from './routes/other-routes.ts';
import type { RouteContext } from './routes/route.ts';
import type { Tokens } from './token.ts';

type AnyHandler = (request: unknown, context: RouteContext) => Promise<object> | object;

interface Route {
  readonly method: DescMethod;
  readonly handle: AnyHandler;
}

/** Services for administrators alone. */
const forAdmins = new Set(
  [ClusterService, DeadLetterService, AuditService].map(({ typeName }) => typeName as string),
);
/** Those and one whose calls have scopes of their own. */
const gated = new Set([...forAdmins, AdminService.typeName as string]);

/** Calls under way, at most. */
const maxCalls = 4_096;

/** The unary calls: the same operations as the session's commands, one call at a time. */
export class UnaryApi implements UnaryHost {
  readonly #parts: UnaryParts;
  readonly #gate: AdminGate;
  readonly #routes = new Map<string, Route>();
  #calls = 0;

  constructor(parts: UnaryParts) {
    this.#parts = parts;
    this.#gate = new AdminGate(parts.clock);
    this.#add(MessageService, messageRoutes);
    this.#add(ConversationService, conversationRoutes);
    this.#add(GroupService, groupRoutes);
    this.#add(PresenceService, presenceRoutes);
    this.#add(DeviceService, deviceRoutes);
    this.#add(IdService, idRoutes);
    this.#add(AdminService, adminRoutes);
    this.#add(ClusterService, clusterRoutes);
    this.#add(DeadLetterService, deadLetterRoutes);
    this.#add(AuditService, auditRoutes);
  }

  async call(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    this.#calls += 1;
    try {
      if (this.#calls > maxCalls) {
        throw new Fault('overloaded', { message: 'too many calls wait for their answer', retryAfterMs: 100 });
      }
      return await this.#carryOut(rpc, request, context);
    } catch (error) {
      const fault = faultOf(error);
      this.#parts.meters.refuse(fault.reason);
      throw fault;
    } finally {
      this.#calls -= 1;
    }
  }

  async #carryOut(rpc: string, request: unknown, context: CallContext): Promise<unknown> {
    const { clock, tokens, messages, directory, administration, webPushKey, traces } = this.#parts;
    const route = this.#routes.get(rpc);
    if (route === undefined) throw new Fault('unknownCommand', { message: `there is no ${rpc}` });
    const startedAtMs = traces === undefined ? 0 : traceNowMs();
    const caller = await this.#admit(rpc, route.method.parent.typeName, context);
    const spend = this.#pace(caller);
    const trace = traces?.call(rpc, caller, context.traceparent, startedAtMs);
    const ask = async <T extends Result['t']>(
      op: Operation,
      t: T,
      userId = caller.userId,
    ): Promise<Extract<Result, { t: T }>> => {
      const result =
        op.t === 'send'
          ? await this.#send(caller, op, trace?.context)
          : await messages.ask(userId, op, trace?.context);
      if (result.t !== t) throw new Error(`expected ${t}, got ${result.t}`);
      return result as Extract<Result, { t: T }>;
    };
    try {
      const answer = await route.handle(request, {
        caller,
        clock,
        tokens,
        directory,
        administration,
        remoteAddress: context.remoteAddress,
        webPushKey,
        ask,
        spend,
      });
      trace?.done();
      return create(route.method.output, answer as MessageInitShape<DescMessage>);
    } catch (error) {
      trace?.refused(faultOf(error));
      throw error;
    }
  }

  async #send({ userId }: Caller, op: SendOperation, trace: TraceContext | undefined): Promise<Result> {
    const { clock, messages, meters } = this.#parts;
    const sinceMs = clock.monotonicMs();
    try {
      const result = await messages.ask(userId, op, trace);
      meters.sent((clock.monotonicMs() - sinceMs) / 1_000);
      return result;
    } catch (error) {
      meters.sendRefused(serversDoing(toFault(error)));
      throw error;
    }
  }

  /** Throws as `#resolve` does: who is refused is told of. */
  async #admit(rpc: string, service: string, context: CallContext): Promise<Caller> {
    try {
      return await this.#resolve(service, context);
    } catch (error) {
      this.#parts.events.callerRefused(rpc, context.remoteAddress, faultOf(error));
      throw error;
    }
  }

  /**
   * Who tries tokens on the administration hears of one every some seconds; a good one passes, whoever else fails behind the
   * same address. Throws as `resolveCaller` does, and `rateLimited`.
   */
  async #resolve(service: string, context: CallContext): Promise<Caller> {
    const { auth } = this.#parts;
    if (!gated.has(service)) return auth.resolveCaller(context);
    try {
      const caller = await auth.resolveCaller(context);
      if (forAdmins.has(service)) requireScope(caller, 'admin');
      return caller;
    } catch (error) {
      const { reason } = faultOf(error);
      // What has expired, was revoked or may do other things is no guess: its owner must hear what is wrong with it.
      if (reason === 'tokenInvalid' || reason === 'tokenMissing') {
        this.#gate.enter(context.remoteAddress);
        this.#gate.failed(context.remoteAddress);
      }
      throw error;
    }
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

function faultOf(error: unknown): Fault {
  if (!(error instanceof DirectoryError)) return toFault(error);
  if (error.kind === 'full') return new Fault('overloaded', { message: error.message, cause: error });
  return new Fault('directoryUnavailable', { message: error.message, cause: error });
}

export interface UnaryParts {
  readonly auth: Authenticator;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly messages: OwnerLinks;
  readonly meters: ConnectionMeters;
  readonly events: SessionEvents;
  readonly rates: Rates;
  readonly webPushKey: Uint8Array;
  readonly directory: Pick<Directory, 'sessions' | 'revocations'>;
  readonly administration: Administration;
  readonly traces: CommandTraces | undefined;
}
