import type { Command, Get, Sync } from '../../gen/parley/chat/v1/session_pb.ts';
import { type DecodedCommand, entriesFragment, sentFragment } from '../codec/frames.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Authenticator } from './auth.ts';
import * as check from './check.ts';
import { commandCost, cost } from './command-cost.ts';
import type { CommandTrace, CommandTraces } from './command-traces.ts';
import { CommandDesk, type DeskParts, type ResultOf } from './command-desk.ts';
import { listOperation, readOperation, recallOperation, syncOperation } from './command-operations.ts';
import type { Pushes } from './pushes.ts';
import { SendCommands } from './send-commands.ts';
import type { Session } from './session.ts';
import type { Watches } from './watches.ts';
import { conversationOf, fragment } from './wire.ts';

/** Those that a message node is asked for; what is answered here, or not at all, has nothing to tell. */
const isTraced: ReadonlySet<string> = new Set(['read', 'sync', 'list', 'get', 'recall']);

type Acks = Extract<DecodedCommand, { t: 'ack' }>;

export interface CommandParts extends DeskParts {
  readonly watches: Watches;
  readonly pushes: Pushes;
  readonly auth: Authenticator;
  readonly developmentGroups: boolean;
  /** Undefined: nothing is traced. */
  readonly traces: CommandTraces | undefined;
}

/** Carries out the commands of open sessions. */
export class SessionCommands {
  readonly #parts: CommandParts;
  readonly #desk: CommandDesk;
  readonly #sends: SendCommands;

  constructor(parts: CommandParts) {
    const { meters, maxInFlight, developmentGroups, end } = parts;
    this.#parts = parts;
    this.#desk = new CommandDesk(parts);
    this.#sends = new SendCommands({ desk: this.#desk, meters, maxInFlight, developmentGroups, end });
  }

  /** `frame`: the span of the frame that the command came in, where that is sampled. */
  carryOut(session: Session, command: DecodedCommand, frame?: TraceContext): void {
    let trace: CommandTrace | undefined;
    try {
      if (command.t === 'ack') this.#ack(session, command);
      else if (command.t === 'send') {
        if (frame !== undefined || session.trace !== undefined || command.traceparent !== undefined)
          trace = this.#trace(session, 'send', { frame, traceparent: command.traceparent });
        this.#sends.send(session, command, trace);
      } else if (command.t === 'refused') throw command.fault;
      else {
        const { case: name } = command.command.command;
        if (name !== undefined && isTraced.has(name))
          trace = this.#trace(session, name, { frame, traceparent: command.command.traceparent });
        this.#other(session, command.id, command.command.command, trace);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      trace?.refused(error);
      session.rate.spend(this.#desk.nowMs, cost.refused);
      this.#desk.refuse(session, command.id, error);
    }
  }

  presence(session: Session, state: { userId: UserId; online: boolean; lastSeenAtMs: number }): void {
    const value = { ...state, lastSeenAtMs: BigInt(state.lastSeenAtMs) };
    this.#desk.reply(session, fragment(0, { case: 'presence', value }));
  }

  /** Undefined where neither the frame is sampled nor the client says that the command is. */
  #trace(
    session: Session,
    name: string,
    {
      frame,
      traceparent,
    }: { readonly frame: TraceContext | undefined; readonly traceparent: string | undefined },
  ): CommandTrace | undefined {
    const { traces } = this.#parts;
    const said =
      traceparent === undefined || traceparent === '' ? undefined : traces?.saidBySession(traceparent);
    const client = said ?? session.trace;
    return frame === undefined && client === undefined ? undefined : traces?.command(name, { frame, client });
  }

  #other(session: Session, id: number, command: Command['command'], trace: CommandTrace | undefined): void {
    const desk = this.#desk;
    desk.pace(session, commandCost(command));
    switch (command.case) {
      case 'ping':
        desk.pong(session, id);
        return;
      case 'skip':
        this.#sends.skip(session, id, command.value);
        return;
      case 'read':
        desk.call<'read'>(session, id, readOperation(command.value), {
          trace,
          done: () => desk.pong(session, id),
        });
        return;
      case 'typing':
        this.#typing(session, id, command.value);
        return;
      case 'sync':
        this.#sync(session, id, command.value, trace);
        return;
      case 'list':
        desk.read<'page'>(session, id, listOperation(command.value, 'list'), {
          trace,
          done: (page) => desk.reply(session, entriesFragment(id, page)),
        });
        return;
      case 'get':
        this.#get(session, id, command.value, trace);
        return;
      case 'recall':
        desk.call<'sent'>(session, id, recallOperation(command.value, 'recall'), {
          trace,
          done: (sent) => desk.reply(session, sentFragment(id, sent)),
        });
        return;
      case 'watch':
        this.#watch(session, id, command.value.userIds);
        return;
      case 'auth':
        void this.#renew(session, id, command.value.token);
        return;
      case 'hello':
        throw new Fault('alreadySignedIn', { message: 'the session said hello already' });
      default:
        throw new Fault('unknownCommand', { message: 'this server does not know the command' });
    }
  }

  /** Every item counts, whatever becomes of the others; one answer: the first fault, or a pong. */
  #ack(session: Session, { id, items }: Acks): void {
    session.rate.spend(this.#desk.nowMs, items.length * cost.acknowledged);
    check.atMost(items.length, check.limits.ackItems, 'ack.items');
    let open = items.length;
    let first: Fault | undefined;
    const settled = (fault?: Fault): void => {
      first ??= fault;
      open -= 1;
      if (open > 0) return;
      if (first === undefined) this.#desk.pong(session, id);
      else this.#desk.refuse(session, id, first);
    };
    if (items.length === 0) this.#desk.pong(session, id);
    for (const [index, item] of items.entries()) {
      try {
        if (item.msgId !== 0n) this.#ackEntry(session, item.msgId, settled);
        else {
          const convId = check.convId(item.convId, `ack.items[${index}].conv_id`);
          this.#ackUpTo(session, convId, check.seqFrom1(item.seq, `ack.items[${index}].seq`), settled);
        }
      } catch (error) {
        settled(toFault(error));
      }
    }
  }

  #ackEntry(session: Session, msgId: bigint, settled: (fault?: Fault) => void): void {
    this.#desk.pace(session);
    this.#desk.call<'place'>(
      session,
      0,
      { t: 'locate', msgId },
      {
        done: ({ convId, seq }) => this.#ackUpTo(session, convId, seq, settled),
        refused: settled,
        quiet: true,
      },
    );
  }

  /** What was not pushed here (but fetched, say) is for the owner to judge. */
  #ackUpTo(session: Session, convId: ConvId, seq: Seq, settled: (fault?: Fault) => void): void {
    const { pushes } = this.#parts;
    if (pushes.acknowledge(session, convId, seq)) {
      settled();
      return;
    }
    this.#desk.pace(session);
    this.#desk.call<'read'>(
      session,
      0,
      { t: 'ack', convId, seq },
      {
        done: () => {
          pushes.acknowledged(session, convId, seq);
          settled();
        },
        refused: settled,
        quiet: true,
      },
    );
  }

  #typing(
    session: Session,
    id: number,
    { convId, active }: { readonly convId: string; readonly active: boolean },
  ): void {
    const checked = check.convId(convId, 'typing.conv_id');
    this.#parts.messages.toOwner({ t: 'typing', convId: checked, userId: session.userId, active });
    this.#desk.pong(session, id);
  }

  #get(session: Session, id: number, { convId, seq, msgId }: Get, trace: CommandTrace | undefined): void {
    const desk = this.#desk;
    const get = (place: { readonly convId: ConvId; readonly seq: Seq }): void =>
      desk.read<'page'>(
        session,
        id,
        { t: 'get', ...place },
        { trace, done: (page) => desk.reply(session, entriesFragment(id, page)) },
      );
    if (msgId === 0n) {
      get({ convId: check.convId(convId, 'get.conv_id'), seq: check.seqFrom1(seq, 'get.seq') });
      return;
    }
    desk.call<'place'>(
      session,
      id,
      { t: 'locate', msgId },
      {
        done: (place) => get({ convId: place.convId, seq: place.seq }),
        refused: (fault) => trace?.refused(fault),
      },
    );
  }

  /** One at a time: each walks through all of the user's conversations. */
  #sync(session: Session, id: number, command: Sync, trace: CommandTrace | undefined): void {
    const op = syncOperation(command);
    if (session.syncing) {
      throw new Fault('overloaded', { message: 'a sync is under way', retryAfterMs: 200 });
    }
    session.syncing = true;
    const page = ({ conversations, removed }: ResultOf<'conversations'>, done: boolean): void => {
      session.rate.spend(this.#desk.nowMs, conversations.length * cost.synced);
      const value = { conversations: conversations.map(conversationOf), removed: [...removed], done };
      this.#desk.reply(session, fragment(id, { case: 'changes', value }));
    };
    this.#desk.call<'conversations'>(session, id, op, {
      trace,
      more: (result) => page(result, false),
      done: (result) => {
        session.syncing = false;
        page(result, true);
      },
      refused: () => {
        session.syncing = false;
      },
    });
  }

  #watch(session: Session, id: number, names: readonly string[]): void {
    check.atMost(names.length, check.limits.watchedUsers, 'watch.user_ids');
    const users = new Set(names.map((name, index) => check.userId(name, `watch.user_ids[${index}]`)));
    const shared = this.#parts.watches.replace(session, users);
    this.#desk.pong(session, id);
    if (shared.length === 0) return;
    this.#desk.call<'presence'>(
      session,
      0,
      { t: 'presence', users: shared },
      {
        done: (result) => {
          for (const state of result.users) this.presence(session, state);
        },
      },
    );
  }

  async #renew(session: Session, id: number, token: string): Promise<void> {
    try {
      if (token === '')
        throw new Fault('tokenMissing', { message: 'a token is needed', field: 'auth.token' });
      const { userId, deviceId } = session;
      const { expiresAtMs, issuedAtMs } = await this.#parts.auth.signIn({ token, userId });
      await this.#parts.auth.check({ userId, deviceId, issuedAtMs });
      session.expiresAtMs = expiresAtMs;
      session.issuedAtMs = issuedAtMs;
      this.#desk.pong(session, id);
    } catch (error) {
      this.#desk.refuse(session, id, toFault(error));
    }
  }
}
