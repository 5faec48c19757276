import { messageContent } from '../codec/frames.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, MsgId, UserId } from '../core/ids.ts';
import type { Span } from '../core/span.ts';
import { Turns } from '../core/turns.ts';
import { conversationOf } from '../peer/conversation-of.ts';
import type { GroupView, Operation, Result, SendOperation } from '../peer/edge-frames.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { Conversation } from './conversation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { CursorDesk } from './cursor-desk.ts';
import type { DeviceDesk } from './device-desk.ts';
import { type History, readable } from './history.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { MessageMeters } from './meters.ts';
import type { Owner } from './owner.ts';
import type { PresenceBook } from './presence-book.ts';
import type { ChainRefusals } from './refused-chains.ts';
import { storeFault } from './store-fault.ts';
import { notFoundFault, strangerFault } from './stranger-fault.ts';
import type { Settlement } from './submission.ts';
import type { Views } from './views.ts';

export interface OperationParts {
  readonly store: MessageStore;
  readonly hot: HotConversations;
  readonly owner: Owner;
  readonly history: History;
  readonly views: Views;
  readonly cursors: CursorBook;
  readonly cursorDesk: CursorDesk;
  readonly presence: PresenceBook;
  readonly ids: { next(): MsgId };
  readonly clock: Clock;
  readonly meters: MessageMeters;
  readonly devices: Pick<DeviceDesk, 'answer'>;
}

/** Who asks, and how the answer goes back: `done` with the last result, `more` with those before it. */
export interface Asker {
  /** Which of the session's sends must not pass any more; undefined for unary calls, which promise no order. */
  readonly refused: ChainRefusals | undefined;
  readonly userId: UserId;
  /** Of a sampled command, begun when it came and ended with the answer; undefined for most. */
  readonly span: Span | undefined;
  /** Whether an answer still goes to anybody, as far as is known. */
  readonly isThere: boolean;
  more(result: Result): void;
  done(result: Result): void;
  refuse(fault: Fault): void;
}

/** Each sync reads much: when all come back at once, they pass some at a time, and the others wait. */
const syncsAtOnce = 32;
const syncsWaiting = 20_000;
/** Well before its edge gives it up (PARLEY_CALL_TIMEOUT_MS, 30 seconds): after that it would be carried out for nobody. */
const syncWaitMs = 15_000;
const syncAgainMs = 2_000;

/** Carries out what users ask of a message node. */
export class Operations {
  readonly #parts: OperationParts;
  readonly #syncs = new Turns({ atOnce: syncsAtOnce, mostWaiting: syncsWaiting });

  constructor(parts: OperationParts) {
    this.#parts = parts;
  }

  carryOut(asker: Asker, op: Operation): void {
    this.#parts.meters.count(op.t);
    if (op.t === 'send') this.#send(asker, op);
    else void this.#answer(asker, op);
  }

  async #answer(asker: Asker, op: Exclude<Operation, SendOperation>): Promise<void> {
    try {
      asker.done(await this.#ask(asker, op));
    } catch (error) {
      asker.refuse(await this.#confirmed(asker.userId, op, storeFault(error)));
    }
  }

  /**
   * No member is told for good that a conversation is not there before the store has been asked: another owner may have
   * made it while somebody here was at work with what was not there yet. To all others it stays unknown.
   */
  async #confirmed(userId: UserId, op: Operation, fault: Fault): Promise<Fault> {
    const convId = conversationOf(op);
    if (fault.reason !== 'conversationNotFound' || convId === undefined) return fault;
    try {
      const [found] = await this.#parts.store.load([convId]);
      if (found?.members.some((row) => row.userId === userId && row.leftSeq === 0) !== true) return fault;
      return new Fault('overloaded', { message: 'the conversation is being made', retryAfterMs: 50 });
    } catch (error) {
      return storeFault(error);
    }
  }

  #send(asker: Asker, op: SendOperation): void {
    const { convId, clientId, peer } = op;
    const { refused } = asker;
    const chain = op.chain === 0 || refused === undefined ? undefined : { refused, number: op.chain };
    const intent = { t: 'send', peer, content: messageContent(clientId, op.body) } as const;
    const { userId: sender, span } = asker;
    this.#parts.owner.submit({ convId, sender, clientId, chain, intent, span }, (settlement) => {
      if (settlement.t !== 'committed') {
        asker.refuse(faultOf(settlement));
        return;
      }
      const { seq, msgId, createdAtMs, duplicate } = settlement;
      asker.done({ t: 'sent', convId, seq, msgId, createdAtMs, duplicate });
    });
  }

  async #ask(asker: Asker, op: Exclude<Operation, SendOperation>): Promise<Result> {
    const { hot, history, views, presence } = this.#parts;
    const { userId } = asker;
    switch (op.t) {
      case 'recall':
        return this.#recall(asker, op);
      case 'read':
      case 'ack':
        return hot.with(op.convId, (conversation) => this.#parts.cursorDesk.move(conversation, userId, op));
      case 'list':
        return hot.with(op.convId, (conversation) => history.page(conversation, userId, op));
      case 'get':
        return hot.with(op.convId, async (conversation): Promise<Result> => {
          const entry = await history.one(conversation, userId, op.seq);
          return {
            t: 'page',
            convId: op.convId,
            entries: [entry],
            headSeq: readable(conversation, userId).last,
            more: false,
          };
        });
      case 'locate':
        return this.#locate(userId, op.msgId);
      case 'sync':
        return this.#syncInTurn(asker, op);
      case 'conversations': {
        const { conversations, next } = await views.list(userId, op.after, op.limit);
        return { t: 'conversations', conversations, removed: [], next };
      }
      case 'conversation':
        return hot.with(op.convId, async (conversation): Promise<Result> => {
          const view = await views.one(userId, conversation);
          if (view === undefined) throw conversation.exists ? strangerFault(op.convId) : notFoundFault();
          return { t: 'conversations', conversations: [view], removed: [], next: undefined };
        });
      case 'group': {
        const by = { actor: userId, clientId: op.clientId, span: asker.span };
        const settlement = await this.#parts.owner.changeGroup(op.groupId, op.change, by);
        if (settlement.t !== 'committed') throw faultOf(settlement);
        const group = await hot.with(op.groupId, (conversation) => groupView(conversation, userId));
        return { t: 'groupChanged', seq: settlement.seq, group };
      }
      case 'getGroup':
        return hot.with(op.groupId, (conversation): Result => {
          readable(conversation, userId);
          const group = groupView(conversation, userId);
          if (group === undefined) throw new Fault('notMember', { message: 'not a member of this group' });
          return { t: 'group', group };
        });
      case 'members':
        return hot.with(op.groupId, (conversation) => this.#members(conversation, userId, op));
      case 'presence':
        return { t: 'presence', users: op.users.map((user) => presence.state(user)) };
      case 'groupId':
        return { t: 'place', convId: this.#parts.owner.groupId(userId, op.clientId), seq: 0 };
      case 'device':
        return { t: 'device', response: await this.#parts.devices.answer(userId, op.request) };
      case 'ids':
        return { t: 'ids', ids: Array.from({ length: op.count }, () => this.#parts.ids.next()) };
    }
  }

  #recall({ userId, span }: Asker, op: Extract<Operation, { t: 'recall' }>): Promise<Result> {
    const { convId, seq, clientId } = op;
    return new Promise((resolve, reject) => {
      const intent = { t: 'recall', seq, clientId } as const;
      this.#parts.owner.submit(
        { convId, sender: userId, clientId, chain: undefined, intent, span },
        (settlement) => {
          if (settlement.t === 'committed') resolve({ ...settlement, t: 'sent', convId });
          else reject(faultOf(settlement));
        },
      );
    });
  }

  async #locate(userId: UserId, msgId: MsgId): Promise<Result> {
    const { store, hot } = this.#parts;
    const place = await store.locate(msgId);
    const unknown = new Fault('entryNotFound', { message: 'there is no such entry' });
    if (place === undefined) throw unknown;
    const { convId, seq } = place;
    const sees = (conversation: Conversation): boolean => {
      // A member of it may see what came since this node has looked; what is done with it is judged by the owner.
      if (seq > conversation.head.seq) return conversation.present(userId) !== undefined;
      const range = conversation.visibleRange(userId);
      return range !== undefined && seq >= range.first && seq <= range.last;
    };
    const seen = await hot.with(convId, sees);
    // Who is no member here may have become one with what came since. Strangers learn nothing of which ids exist.
    if (!seen && !((await hot.reaches(convId, seq)) && (await hot.with(convId, sees)))) throw unknown;
    return { t: 'place', convId, seq };
  }

  /**
   * Where more come back than can be served in time, those that wait too long are told to come again, so that what is done
   * is done for somebody who still waits.
   */
  #syncInTurn(asker: Asker, op: Extract<Operation, { t: 'sync' }>): Promise<Result> {
    const { clock } = this.#parts;
    const askedAtMs = clock.monotonicMs();
    return this.#syncs.run(async () => {
      if (clock.monotonicMs() - askedAtMs > syncWaitMs) throw tooLate();
      return this.#sync(asker, op);
    });
  }

  async #sync(asker: Asker, op: Extract<Operation, { t: 'sync' }>): Promise<Result> {
    // What was known of another epoch is void.
    const known = op.epoch === this.#parts.store.epoch ? op.known : [];
    if (!asker.isThere) throw tooLate();
    for await (const page of this.#parts.views.changes(asker.userId, known, op.entries)) {
      const { conversations, removed, done } = page;
      const result: Result = { t: 'conversations', conversations, removed, next: undefined };
      if (done) return result;
      asker.more({ ...result, next: conversations.at(-1)?.convId ?? ('' as ConvId) });
      if (!asker.isThere) throw tooLate();
    }
    return { t: 'conversations', conversations: [], removed: [], next: undefined };
  }

  async #members(
    conversation: Conversation,
    userId: UserId,
    op: Extract<Operation, { t: 'members' }>,
  ): Promise<Result> {
    readable(conversation, userId);
    if (conversation.present(userId) === undefined || conversation.convNo === undefined)
      throw new Fault('notMember', { message: 'not a member of this group' });
    const { users, more } = conversation.order.page(op.after, op.limit);
    const stored = await this.#parts.store.cursors(conversation.convNo, users);
    const cursors = new Map(stored.map((row) => [row.userId, row]));
    const members = users.flatMap((user) => {
      // Who has left while cursors were read is in the list no more.
      const row = conversation.present(user);
      if (row === undefined) return [];
      const { role, joinedSeq } = row;
      const { deliveredSeq, readSeq } = this.#parts.cursors.merged(conversation, user, cursors.get(user));
      return [{ userId: user, role, joinedSeq, deliveredSeq, readSeq }];
    });
    return { t: 'members', members, next: more ? users.at(-1) : undefined };
  }
}

function tooLate(): Fault {
  return new Fault('overloaded', { message: 'too many come back at once', retryAfterMs: syncAgainMs });
}

function groupView(conversation: Conversation, userId: UserId): GroupView | undefined {
  const { group, convId } = conversation;
  const role = conversation.present(userId)?.role;
  if (group === undefined || role === undefined) return undefined;
  return { groupId: convId, ...group, role };
}

function faultOf(settlement: Exclude<Settlement, { t: 'committed' }>): Fault {
  if (settlement.t === 'refused') return settlement.fault;
  return new Fault('overloaded', { message: 'the group changes too fast: try again', retryAfterMs: 200 });
}
