import type { Command } from '../../gen/parley/chat/v1/session_pb.ts';
import { type DecodedCommand, entriesFragment, sentFragment } from '../codec/frames.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Operation, Result } from '../peer/edge-frames.ts';
import type { Authenticator } from './auth.ts';
import { SendChain } from './chain.ts';
import * as check from './check.ts';
import type { MessageLink } from './message-link.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';
import type { Watches } from './watches.ts';
import { conversationOf, errorOf, fragment } from './wire.ts';

type Send = Extract<DecodedCommand, { t: 'send' }>;
type Acks = Extract<DecodedCommand, { t: 'ack' }>;
type Result1<T extends Result['t']> = Extract<Result, { t: T }>;

/** What commands of an open session reach. */
export interface CommandHost {
  readonly clock: Clock;
  readonly messages: MessageLink;
  readonly watches: Watches;
  readonly auth: Authenticator;
  readonly meters: ConnectionMeters;
  readonly maxInFlight: number;
  readonly developmentGroups: boolean;
  queue(session: Session, encoded: Uint8Array): void;
  end(session: Session, fault: Fault): void;
  /** An acknowledgement of something pushed here; false where nothing of that conversation was. Throws `beyondHead`. */
  acknowledge(session: Session, convId: ConvId, seq: number): boolean;
}

/** Carries out the commands of open sessions. */
export class SessionCommands {
  readonly #host: CommandHost;
  /** Sends that wait until a group named for the first time is there, by session and group. */
  readonly #ensuring = new Map<string, Send[]>();

  constructor(host: CommandHost) {
    this.#host = host;
  }

  carryOut(session: Session, command: DecodedCommand): void {
    try {
      if (command.t === 'refused') throw command.fault;
      if (command.t === 'ack') this.#ack(session, command);
      else if (command.t === 'send') this.#send(session, command);
      else this.#other(session, command.id, command.command);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#refuse(session, command.id, error);
    }
  }

  #refuse(session: Session, id: number, fault: Fault): void {
    this.#host.meters.refuse(fault.reason);
    this.#host.queue(session, fragment(id, { case: 'error', value: errorOf(fault) }));
  }

  #pace(session: Session): void {
    const waitMs = session.rate.take(this.#host.clock.monotonicMs());
    if (waitMs > 0) {
      throw new Fault('rateLimited', { message: 'too many commands a second', retryAfterMs: waitMs });
    }
    if (session.inFlight >= this.#host.maxInFlight) {
      throw new Fault('overloaded', {
        message: 'too many commands wait for their answer',
        retryAfterMs: 100,
      });
    }
  }

  #send(session: Session, command: Send): void {
    const clientId = check.clientId(command.clientId, 'send.client_id');
    const { convId, peer } = check.target(session.userId, command, 'send');
    check.body(command.body, 'send.body');
    if (session.openGroups && check.isGroup(convId) && this.#mustEnsure(session, convId, command)) return;
    let chain = session.chains.get(convId);
    if (chain === undefined) {
      chain = new SendChain({ draw: () => session.nextChain(), maxRefused: this.#host.maxInFlight });
      session.chains.set(convId, chain);
    }
    try {
      this.#pace(session);
    } catch (error) {
      chain.hold(clientId);
      throw error;
    }
    const number = chain.admit(clientId);
    if (number === undefined) {
      throw new Fault('outOfOrder', {
        message: 'an earlier send was refused: send or skip it first',
        retryAfterMs: 50,
      });
    }
    this.#pass(session, command, chain, {
      t: 'send',
      convId,
      peer,
      clientId,
      body: command.body,
      chain: number,
    });
  }

  #pass(
    session: Session,
    { id, clientId }: Send,
    chain: SendChain,
    op: Extract<Operation, { t: 'send' }>,
  ): void {
    const { meters, clock, messages } = this.#host;
    const sentAtMs = clock.monotonicMs();
    const over = (retry: boolean): void => {
      session.inFlight -= 1;
      chain.answered(clientId, retry);
      if (chain.idle) session.chains.delete(op.convId);
    };
    session.inFlight += 1;
    messages.call(session.no, session.userId, op, {
      done: (result) => {
        over(false);
        meters.onSendSeconds((clock.monotonicMs() - sentAtMs) / 1_000);
        this.#host.queue(session, sentFragment(id, result as Result1<'sent'>));
      },
      refused: (fault) => {
        over(fault.spec.retry !== 'never');
        this.#refuse(session, id, fault);
      },
    });
  }

  /** Development: a group named by a plain frame is created and joined on first use; sends to it wait meanwhile. */
  #mustEnsure(session: Session, convId: ConvId, command: Send): boolean {
    if (!this.#host.developmentGroups || session.deliveries.has(convId)) return false;
    const key = `${session.no}:${convId}`;
    const waiting = this.#ensuring.get(key);
    if (waiting !== undefined) {
      if (waiting.length >= check.limits.commands) {
        throw new Fault('overloaded', { message: 'the group is being made', retryAfterMs: 100 });
      }
      waiting.push(command);
      return true;
    }
    const sends = [command];
    this.#ensuring.set(key, sends);
    const proceed = (fault: Fault | undefined): void => {
      this.#ensuring.delete(key);
      const open = session.openGroups;
      // What was ensured need not be ensured again for these.
      session.openGroups = false;
      for (const send of sends) {
        if (fault === undefined) this.carryOut(session, send);
        else this.#refuse(session, send.id, fault);
      }
      session.openGroups = open;
    };
    const op = {
      t: 'group',
      groupId: check.groupId(convId, 'send.conv_id'),
      clientId: '',
      change: { t: 'ensure' },
    } as const;
    this.#host.messages.call(session.no, session.userId, op, {
      done: () => proceed(undefined),
      refused: proceed,
    });
    return true;
  }

  #ack(session: Session, { id, items }: Acks): void {
    check.atMost(items.length, check.limits.ackItems, 'ack.items');
    for (const [index, item] of items.entries()) {
      if (item.msgId !== 0n) this.#ackByMsgId(session, id, item.msgId);
      else {
        const convId = check.convId(item.convId, `ack.items[${index}].conv_id`);
        const seq = check.seqFrom1(item.seq, `ack.items[${index}].seq`);
        if (!this.#host.acknowledge(session, convId, seq))
          this.#call(session, id, { t: 'ack', convId, seq }, nothing);
      }
    }
    if (id !== 0) this.#pong(session, id);
  }

  #ackByMsgId(session: Session, id: number, msgId: bigint): void {
    this.#call(session, id, { t: 'locate', msgId }, (result) => {
      const { convId, seq } = result as Result1<'place'>;
      if (!this.#host.acknowledge(session, convId, seq))
        this.#call(session, id, { t: 'ack', convId, seq }, nothing);
    });
  }

  #other(session: Session, id: number, { command }: Command): void {
    const { userId } = session;
    if (command.case !== 'typing' && command.case !== 'ping') this.#pace(session);
    switch (command.case) {
      case 'ping':
        this.#pong(session, id);
        return;
      case 'read': {
        const op = {
          t: 'read',
          convId: check.convId(command.value.convId, 'read.conv_id'),
          seq: check.seqFrom1(command.value.seq, 'read.seq'),
        } as const;
        this.#call(session, id, op, () => id !== 0 && this.#pong(session, id));
        return;
      }
      case 'typing': {
        const convId = check.convId(command.value.convId, 'typing.conv_id');
        this.#host.messages.send({ t: 'typing', convId, userId, active: command.value.active });
        return;
      }
      case 'skip':
        this.#skip(session, id, command.value);
        return;
      case 'sync':
        this.#sync(session, id, command.value);
        return;
      case 'list': {
        const op = listOperation(command.value, 'list');
        this.#call(session, id, op, (result) => this.#page(session, id, result as Result1<'page'>));
        return;
      }
      case 'get':
        this.#get(session, id, command.value);
        return;
      case 'recall': {
        const op = recallOperation(command.value, 'recall');
        this.#call(session, id, op, (result) =>
          this.#host.queue(session, sentFragment(id, result as Result1<'sent'>)),
        );
        return;
      }
      case 'watch':
        this.#watch(session, command.value.userIds);
        return;
      case 'auth':
        this.#renew(session, id, command.value.token);
        return;
      case 'hello':
        throw new Fault('alreadySignedIn', { message: 'the session said hello already' });
      default:
        throw new Fault('unknownCommand', { message: 'this server does not know the command' });
    }
  }

  #call(
    session: Session,
    id: number,
    op: Operation,
    done: (result: Result) => unknown,
    more?: (result: Result) => void,
  ): void {
    session.inFlight += 1;
    this.#host.messages.call(session.no, session.userId, op, {
      more,
      done: (result) => {
        session.inFlight -= 1;
        try {
          done(result);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          this.#refuse(session, id, error);
        }
      },
      refused: (fault) => {
        session.inFlight -= 1;
        this.#refuse(session, id, fault);
      },
    });
  }

  #pong(session: Session, id: number): void {
    const value = { serverTimeMs: BigInt(this.#host.clock.wallMs()) };
    this.#host.queue(session, fragment(id, { case: 'pong', value }));
  }

  #skip(
    session: Session,
    id: number,
    { target, clientId }: Extract<Command['command'], { case: 'skip' }>['value'],
  ): void {
    const named = {
      convId: target.case === 'convId' ? target.value : undefined,
      to: target.case === 'to' ? target.value : undefined,
    };
    const { convId } = check.target(session.userId, named, 'skip');
    const chain = session.chains.get(convId);
    chain?.skip(clientId);
    if (chain?.idle) session.chains.delete(convId);
    this.#pong(session, id);
  }

  #page(session: Session, id: number, page: Result1<'page'>): void {
    this.#host.queue(session, entriesFragment(id, page));
  }

  #get(
    session: Session,
    id: number,
    { convId, seq, msgId }: Extract<Command['command'], { case: 'get' }>['value'],
  ): void {
    const answer = (result: Result): void => this.#page(session, id, result as Result1<'page'>);
    if (msgId === 0n) {
      const op = {
        t: 'get',
        convId: check.convId(convId, 'get.conv_id'),
        seq: check.seqFrom1(seq, 'get.seq'),
      } as const;
      this.#call(session, id, op, answer);
      return;
    }
    this.#call(session, id, { t: 'locate', msgId }, (result) => {
      const place = result as Result1<'place'>;
      this.#call(session, id, { t: 'get', convId: place.convId, seq: place.seq }, answer);
    });
  }

  #sync(session: Session, id: number, command: Extract<Command['command'], { case: 'sync' }>['value']): void {
    check.atMost(command.known.length, check.limits.knownConversations, 'sync.known');
    check.atMost(command.entries, check.limits.newestEntries, 'sync.entries');
    const known = command.known.map((one, index) => ({
      convId: check.convId(one.convId, `sync.known[${index}].conv_id`),
      headSeq: check.seq(one.headSeq, `sync.known[${index}].head_seq`),
      headMsgId: one.headMsgId,
      rev: one.rev,
      readSeq: check.seq(one.readSeq, `sync.known[${index}].read_seq`),
      deliveredSeq: check.seq(one.deliveredSeq, `sync.known[${index}].delivered_seq`),
      peerReadSeq: check.seq(one.peerReadSeq, `sync.known[${index}].peer_read_seq`),
      peerDeliveredSeq: check.seq(one.peerDeliveredSeq, `sync.known[${index}].peer_delivered_seq`),
    }));
    const page = (result: Result, done: boolean): void => {
      const { conversations, removed } = result as Result1<'conversations'>;
      const value = { conversations: conversations.map(conversationOf), removed: [...removed], done };
      this.#host.queue(session, fragment(id, { case: 'changes', value }));
    };
    const op = { t: 'sync', epoch: command.storeEpoch, known, entries: command.entries } as const;
    this.#call(
      session,
      id,
      op,
      (result) => page(result, true),
      (result) => page(result, false),
    );
  }

  #watch(session: Session, names: readonly string[]): void {
    check.atMost(names.length, check.limits.watchedUsers, 'watch.user_ids');
    const users = new Set(names.map((name, index) => check.userId(name, `watch.user_ids[${index}]`)));
    const shared = this.#host.watches.replace(session, users);
    if (shared.length === 0) return;
    this.#call(session, 0, { t: 'presence', users: shared }, (result) => {
      for (const state of (result as Result1<'presence'>).users) this.presence(session, state);
    });
  }

  presence(
    session: Session,
    { userId, online, lastSeenAtMs }: { userId: UserId; online: boolean; lastSeenAtMs: number },
  ): void {
    const value = { userId, online, lastSeenAtMs: BigInt(lastSeenAtMs) };
    this.#host.queue(session, fragment(0, { case: 'presence', value }));
  }

  #renew(session: Session, id: number, token: string): void {
    this.#host.auth.signIn({ token, userId: session.userId }).then(
      ({ expiresAtMs }) => {
        session.expiresAtMs = expiresAtMs;
        this.#pong(session, id);
      },
      (error) =>
        this.#refuse(session, id, error instanceof Fault ? error : new Fault('internal', { cause: error })),
    );
  }
}

function nothing(): void {}

export function listOperation(
  list: {
    readonly convId: string;
    readonly fromSeq: bigint;
    readonly limit: number;
    readonly backward: boolean;
  },
  field: string,
): Extract<Operation, { t: 'list' }> {
  return {
    t: 'list',
    convId: check.convId(list.convId, `${field}.conv_id`),
    fromSeq: check.seq(list.fromSeq, `${field}.from_seq`),
    limit: check.pageSize(list.limit, 50, check.limits.pageSize, `${field}.limit`),
    backward: list.backward,
  };
}

export function recallOperation(
  recall: { readonly convId: string; readonly seq: bigint; readonly clientId: string },
  field: string,
): Extract<Operation, { t: 'recall' }> {
  return {
    t: 'recall',
    convId: check.convId(recall.convId, `${field}.conv_id`),
    seq: check.seqFrom1(recall.seq, `${field}.seq`),
    clientId: check.clientId(recall.clientId, `${field}.client_id`),
  };
}
