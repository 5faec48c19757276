import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { type ConversationState, ConversationStateSchema } from '../../gen/parley/chat/v1/conversation_pb.ts';
import { ConversationKind, type Entry, Role } from '../../gen/parley/chat/v1/entry_pb.ts';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import {
  type Command,
  type Event,
  EventSchema,
  type Hello,
  type KnownConversation,
  type Send,
  type Sync,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { directConvId } from '../direct-id.ts';
import type { Credentials, Transport } from '../transport.ts';
import { ChatError } from '../types.ts';
import { FakeLog } from './fake-log.ts';
import { FakeSession, type Refusal } from './fake-session.ts';

type EventInit = Exclude<MessageInitShape<typeof EventSchema>, Event>['event'];
type Other = Exclude<Command['command'], { case: 'hello' | 'send' | 'skip' }>;

const pageSize = 3;

/**
 * A server in memory that speaks real frames, with faults to order: what the client library is tested against without
 * a network. It keeps the contract's promises; it is no example of how to.
 */
export class FakeServer {
  readonly logs = new Map<string, FakeLog>();
  readonly sessions = new Set<FakeSession>();
  /** Commands per frame, in order of arrival. */
  readonly commandCounts: number[] = [];
  epoch = 'epoch-1';
  /** Refuses connections. */
  down = false;
  /** Refuses hello with this. */
  helloRefusal: Refusal | undefined;
  /** Answers of unary calls. */
  unary: (method: string, request: unknown, credentials: Credentials) => unknown = () => {
    throw new ChatError('unimplemented', 'not in the fake');
  };
  /** Something happens after it was read what changed and before that is answered. */
  beforeChanges: (() => void) | undefined;
  #refusals: Refusal[] = [];
  /** After the next commit the session is cut before it is answered. */
  #cutAfterCommits = 0;
  #salt = 0n;

  transport(): Transport {
    return {
      open: (handlers) => {
        const session = new FakeSession(this, handlers);
        if (this.down) session.cut(1006);
        else this.sessions.add(session);
        return session;
      },
      unary: async <I extends DescMessage, O extends DescMessage>(
        method: DescMethodUnary<I, O>,
        request: MessageShape<I>,
        credentials: Credentials,
      ) =>
        create(method.output, (await this.unary(method.name, request, credentials)) as MessageInitShape<O>),
      close: () => undefined,
    };
  }

  group(convId: string, members: readonly string[]): FakeLog {
    const log = this.#create(convId, ConversationKind.GROUP, members);
    log.append(members[0] ?? '', '', {
      case: 'groupCreated',
      value: { $typeName: 'parley.chat.v1.GroupCreated', name: convId, members: [...members] },
    });
    return log;
  }

  /** The next decisions about sends. */
  refuseNext(...refusals: Refusal[]): void {
    this.#refusals.push(...refusals);
  }

  cutAfterNextCommit(): void {
    this.#cutAfterCommits += 1;
  }

  /** No more faults. */
  calm(): void {
    this.#refusals = [];
    this.#cutAfterCommits = 0;
    this.down = false;
  }

  /** The network fails for everybody. */
  cutAll(): void {
    for (const session of [...this.sessions]) session.cut(1006);
  }

  sessionsOf(userId: string): FakeSession[] {
    return [...this.sessions].filter((session) => session.userId === userId);
  }

  /** Pushes that were withheld are announced. */
  catchUp(session: FakeSession): void {
    session.lagging = false;
    for (const log of this.logs.values())
      if (log.members.has(session.userId))
        this.#tell(session, {
          case: 'gap',
          value: { convId: log.convId, fromSeq: 1n, toSeq: BigInt(log.headSeq) },
        });
  }

  /** An entry that is committed reaches everybody. */
  publish(log: FakeLog, entry: Entry): void {
    for (const session of this.sessions)
      if (log.members.has(session.userId) && !session.lagging)
        session.tell(0, { case: 'entry', value: entry });
  }

  // For its sessions.

  gone(session: FakeSession): void {
    this.sessions.delete(session);
  }

  nextRefusal(_convId: string): Refusal | undefined {
    return this.#refusals.shift();
  }

  hello(session: FakeSession, id: number, hello: Hello): void {
    if (this.helloRefusal !== undefined) {
      session.refuse(id, this.helloRefusal);
      session.cut(4401, this.helloRefusal.reason);
      return;
    }
    // A token is its user's name.
    session.userId = hello.userId || hello.token;
    session.deviceId = hello.deviceId;
    for (const other of this.sessions)
      if (other !== session && other.deviceId === hello.deviceId && other.userId === session.userId)
        other.cut(4410, 'superseded');
    this.#answer(session, id, {
      case: 'welcome',
      value: {
        sessionId: `s${++this.#salt}`,
        userId: session.userId,
        storeEpoch: this.epoch,
        pingIntervalMs: 20_000,
        ackIntervalMs: 500,
        ackBytes: 65_536,
        maxFrameBytes: 4_096,
        maxCommands: 16,
        maxTextLength: 1_000,
        maxPageSize: 20,
      },
    });
  }

  convIdOf(userId: string, target: Send['target']): string {
    if (target.case === 'to') return directConvId(userId, target.value);
    return target.value ?? '';
  }

  commit(session: FakeSession, id: number, convId: string, send: Send): void {
    let log = this.logs.get(convId);
    if (log === undefined && send.target.case === 'to')
      log = this.#create(convId, ConversationKind.DIRECT, [session.userId, send.target.value]);
    if (log === undefined || !log.members.has(session.userId)) {
      session.refuse(id, {
        reason: log === undefined ? 'conversationNotFound' : 'notMember',
        retry: Retry.NEVER,
      });
      return;
    }
    const earlier = log.earlier(session.userId, send.clientId);
    const entry =
      earlier ??
      log.append(session.userId, send.clientId, {
        case: 'message',
        value: send.body as NonNullable<Send['body']>,
      });
    if (this.#cutAfterCommits > 0) {
      this.#cutAfterCommits -= 1;
      session.cut(1006);
    }
    if (earlier === undefined) this.publish(log, entry);
    const { seq, msgId, createdAtMs } = entry;
    this.#answer(session, id, {
      case: 'sent',
      value: { convId, seq, msgId, createdAtMs, duplicate: earlier !== undefined },
    });
  }

  pong(session: FakeSession, id: number): void {
    if (id !== 0) this.#answer(session, id, { case: 'pong', value: {} });
  }

  command(session: FakeSession, id: number, command: Other): void {
    const { userId } = session;
    switch (command.case) {
      case 'sync':
        return this.#sync(session, id, command.value);
      case 'ping':
        this.#answer(session, id, { case: 'pong', value: {} });
        return;
      case 'ack':
        for (const { convId, seq } of command.value.items) this.#cursor(userId, convId, Number(seq), 0);
        return;
      case 'read':
        return this.#cursor(userId, command.value.convId, 0, Number(command.value.seq));
      case 'list': {
        const { convId, fromSeq, limit, backward } = command.value;
        const log = this.logs.get(convId);
        if (log?.members.has(userId) !== true) {
          session.refuse(id, { reason: 'notMember', retry: Retry.NEVER });
          return;
        }
        const from = Number(fromSeq);
        const end = backward ? (from === 0 ? log.headSeq : from) : from + limit - 1;
        const begin = backward ? Math.max(1, end - limit + 1) : from;
        const entries = log.page(begin, end);
        const more = backward ? begin > 1 : end < log.headSeq;
        this.#answer(session, id, {
          case: 'entries',
          value: { convId, entries, headSeq: BigInt(log.headSeq), more },
        });
        return;
      }
      case 'get': {
        const entries =
          this.logs.get(command.value.convId)?.page(Number(command.value.seq), Number(command.value.seq)) ??
          [];
        this.#answer(session, id, { case: 'entries', value: { convId: command.value.convId, entries } });
        return;
      }
      case 'recall': {
        const { convId, seq, clientId } = command.value;
        const log = this.logs.get(convId);
        if (log === undefined) return;
        const entry =
          log.earlier(userId, clientId) ??
          log.append(userId, clientId, {
            case: 'recall',
            value: { $typeName: 'parley.chat.v1.Recall', targetSeq: seq },
          });
        this.publish(log, entry);
        this.#answer(session, id, { case: 'sent', value: { convId, seq: entry.seq, msgId: entry.msgId } });
        return;
      }
      case 'watch':
        for (const watched of command.value.userIds)
          this.#tell(session, {
            case: 'presence',
            value: { userId: watched, online: this.sessionsOf(watched).length > 0 },
          });
        return;
      case 'typing':
        for (const other of this.sessions)
          if (other !== session && this.logs.get(command.value.convId)?.members.has(other.userId))
            this.#tell(other, {
              case: 'typing',
              value: { convId: command.value.convId, userId, active: command.value.active },
            });
        return;
      default:
        session.refuse(id, { reason: 'unknownCommand', retry: Retry.NEVER });
    }
  }

  #sync(session: FakeSession, id: number, sync: Sync): void {
    const known = new Map(sync.known.map((one) => [one.convId, one]));
    const states: ConversationState[] = [];
    for (const log of this.logs.values()) {
      if (!log.members.has(session.userId)) continue;
      const device = sync.storeEpoch === this.epoch ? known.get(log.convId) : undefined;
      known.delete(log.convId);
      const state = this.#state(log, session.userId, device, sync.entries);
      if (state !== undefined) states.push(state);
    }
    const removed = [...known.keys()].filter(
      (convId) => this.logs.get(convId)?.members.has(session.userId) !== true,
    );
    this.beforeChanges?.();
    for (let at = 0; at === 0 || at < states.length; at += pageSize) {
      const done = at + pageSize >= states.length;
      const conversations = states.slice(at, at + pageSize);
      this.#answer(session, id, {
        case: 'changes',
        value: { conversations, removed: done ? removed : [], done },
      });
    }
  }

  #state(
    log: FakeLog,
    userId: string,
    device: KnownConversation | undefined,
    newest: number,
  ): ConversationState | undefined {
    const held = device === undefined ? 0 : Number(device.headSeq);
    if (device !== undefined)
      this.#cursor(userId, log.convId, Number(device.deliveredSeq), Number(device.readSeq));
    const startOver =
      device !== undefined &&
      held > 0 &&
      device.headMsgId !== 0n &&
      log.entries[held - 1]?.msgId !== device.headMsgId;
    const readSeq = log.read.get(userId) ?? 0;
    const peer =
      log.kind === ConversationKind.DIRECT ? [...log.members].find((one) => one !== userId) : undefined;
    const peerReadSeq = peer === undefined ? 0 : (log.read.get(peer) ?? 0);
    const peerDeliveredSeq = peer === undefined ? 0 : Math.max(peerReadSeq, log.delivered.get(peer) ?? 0);
    const same =
      device !== undefined &&
      held === log.headSeq &&
      Number(device.readSeq) >= readSeq &&
      Number(device.peerReadSeq) >= peerReadSeq &&
      Number(device.peerDeliveredSeq) >= peerDeliveredSeq;
    if (same && !startOver) return undefined;
    const lacking = device === undefined || startOver ? 1 : held + 1;
    const from = Math.max(lacking, log.headSeq - newest + 1);
    return create(ConversationStateSchema, {
      convId: log.convId,
      kind: log.kind,
      peer: peer ?? '',
      name: log.kind === ConversationKind.GROUP ? log.convId : '',
      role: log.kind === ConversationKind.GROUP ? Role.MEMBER : Role.UNSPECIFIED,
      memberCount: log.kind === ConversationKind.GROUP ? log.members.size : 0,
      headSeq: BigInt(log.headSeq),
      headMsgId: log.entries.at(-1)?.msgId ?? 0n,
      joinedSeq: 1n,
      unread: BigInt(log.unread(userId)),
      readSeq: BigInt(readSeq),
      deliveredSeq: BigInt(log.delivered.get(userId) ?? 0),
      peerReadSeq: BigInt(peerReadSeq),
      peerDeliveredSeq: BigInt(peerDeliveredSeq),
      rev: 1n,
      entries: log.page(from, log.headSeq),
      gapFromSeq: lacking < from ? BigInt(lacking) : 0n,
      startOver,
    });
  }

  #cursor(userId: string, convId: string, deliveredSeq: number, readSeq: number): void {
    const log = this.logs.get(convId);
    if (log === undefined) return;
    if (deliveredSeq > log.headSeq || readSeq > log.headSeq) throw new Error('a cursor beyond the head');
    const delivered = Math.max(deliveredSeq, readSeq, log.delivered.get(userId) ?? 0);
    const read = Math.max(readSeq, log.read.get(userId) ?? 0);
    if (delivered === log.delivered.get(userId) && read === log.read.get(userId)) return;
    log.delivered.set(userId, delivered);
    log.read.set(userId, read);
    const value = { convId, userId, deliveredSeq: BigInt(delivered), readSeq: BigInt(read) };
    const heard = log.kind === ConversationKind.DIRECT ? [...log.members] : [userId];
    for (const session of this.sessions)
      if (heard.includes(session.userId)) this.#tell(session, { case: 'cursor', value });
  }

  #create(convId: string, kind: ConversationKind, members: readonly string[]): FakeLog {
    this.#salt += 1_000_000n;
    const log = new FakeLog({ convId, kind, members, salt: this.#salt });
    this.logs.set(convId, log);
    return log;
  }

  #answer(session: FakeSession, id: number, event: EventInit): void {
    session.tell(id, create(EventSchema, { event }).event);
  }

  #tell(session: FakeSession, event: EventInit): void {
    this.#answer(session, 0, event);
  }
}
