import { create } from '@bufbuild/protobuf';
import { type Event, type Send, SendSchema, SkipSchema } from '../gen/parley/chat/v1/session_pb.ts';
import type { ClientClock } from './clock.ts';
import { LandedSends } from './landed.ts';
import { PendingSends, type QueuedSend, type Transmission } from './pending.ts';
import { toChatError } from './refusal.ts';
import type { Session } from './session.ts';
import type { ClientStorage } from './storage.ts';
import { ChatError, type PendingSend } from './types.ts';

/** How long the entry of an acknowledged send may take before it is asked for. */
const entryOverdueMs = 1_000;

export interface OutgoingListener {
  /** A send of an earlier run, or of a device that is gone, is to go out. */
  onResumed(send: QueuedSend): void;
  /** The pending sends of a conversation changed. */
  onPending(convId: string): void;
  /** An entry exists that should have come: it is asked for until the log covers it. */
  onMissing(convId: string, seq: number): void;
  onStorageError(error: unknown): void;
}

/** The user's sends, from the keyboard to the log: stored, put on the wire in order, answered, retried. */
export class Outgoing {
  readonly #session: Session;
  readonly #storage: ClientStorage;
  readonly #clock: ClientClock;
  readonly #random: () => number;
  readonly #listener: OutgoingListener;
  readonly #pending: PendingSends;
  readonly #landed = new LandedSends();
  /** Sends of other users that have used this storage. They stay in it until it is theirs again. */
  readonly #others = new Map<string, QueuedSend>();
  #self: string;
  #lastOrder = 0;

  constructor(options: {
    self: string;
    session: Session;
    storage: ClientStorage;
    clock: ClientClock;
    random: () => number;
    maxPending: number;
    listener: OutgoingListener;
  }) {
    this.#self = options.self;
    this.#session = options.session;
    this.#storage = options.storage;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#listener = options.listener;
    this.#pending = new PendingSends({ max: options.maxPending });
  }

  send(send: { clientId: string; convId: string; peer: string; text: string }): void {
    if (this.#pending.full)
      throw new ChatError('tooManyPending', 'too many messages wait to be sent', 'here');
    const queued = {
      ...send,
      userId: this.#self,
      createdAtMs: this.#clock.wallMs(),
      order: this.#order(),
      problem: '',
    };
    this.#pending.add(queued);
    this.#store(queued);
    this.pump();
  }

  /** Sends of an earlier run, or of a device that is gone; they keep their client ids. Another user's wait. */
  resume(sends: readonly QueuedSend[]): void {
    for (const send of sends) {
      if (!this.#isOwn(send)) {
        this.#others.set(send.clientId, send);
        continue;
      }
      this.#lastOrder = Math.max(this.#lastOrder, send.order);
      this.#pending.add(send);
      this.#listener.onResumed(send);
      this.#listener.onPending(send.convId);
    }
    this.pump();
  }

  /** Who sends from now on. To be called without an open session: nothing of another user's may go out on it. */
  belongTo(self: string): void {
    this.#self = self;
    for (const send of [...this.#pending.all()]) {
      if (this.#isOwn(send)) continue;
      this.#pending.discard(send.clientId);
      this.#others.set(send.clientId, send);
      this.#listener.onPending(send.convId);
    }
    const own = [...this.#others.values()].filter((send) => this.#isOwn(send));
    for (const { clientId } of own) this.#others.delete(clientId);
    this.#landed.clear();
    this.resume(own.sort((one, other) => one.order - other.order));
  }

  retry(clientId: string): void {
    const send = this.#pending.retry(clientId, this.#order());
    if (send === undefined) return;
    this.#store(send);
    this.#listener.onPending(send.convId);
    this.pump();
  }

  discard(clientId: string): void {
    const convId = this.#convOf(clientId);
    if (!this.#pending.discard(clientId)) return;
    this.#unstore(clientId);
    if (convId !== undefined) this.#listener.onPending(convId);
    this.pump();
  }

  /** An own entry is in the log. */
  confirm(clientId: string): void {
    const send = this.#pending.confirmed(clientId);
    if (send === undefined) return;
    this.#unstore(clientId);
    this.pump();
  }

  /** The log of a conversation reaches to seq. */
  covered(convId: string, seq: number): void {
    if (this.#landed.size > 0) this.#landed.covered(convId, seq);
  }

  opened(): void {
    this.#pending.opened();
    this.pump();
  }

  closed(): void {
    this.#pending.closed();
  }

  /** The log of a conversation is void, or all logs are, and what was acknowledged for it. */
  void(convId?: string): void {
    this.#landed.clear(convId);
  }

  list(convId: string): PendingSend[] {
    const pending = this.#pending.list(convId);
    return this.#landed.size === 0 ? pending : [...this.#landed.list(convId), ...pending];
  }

  /** All that is pending, in no order. */
  all(): Iterable<QueuedSend> {
    return this.#pending.all();
  }

  dueMs(): number {
    const overdue = this.#landed.size > 0 && this.#session.online ? entryOverdueMs : Number.POSITIVE_INFINITY;
    return Math.min(this.#pending.dueMs(), this.#clock.monotonicMs() + overdue);
  }

  tick(nowMs: number): void {
    this.#pending.tick(nowMs);
    this.pump();
    if (this.#landed.size === 0 || !this.#session.online) return;
    for (const { convId, seq } of this.#landed.overdue(nowMs, entryOverdueMs))
      this.#listener.onMissing(convId, seq);
  }

  /** Puts on the wire whatever may go now. */
  pump(): void {
    if (!this.#session.online) return;
    for (const transmission of this.#pending.next(this.#clock.monotonicMs())) this.#transmit(transmission);
  }

  #transmit({ t, send }: Transmission): void {
    if (t === 'skip') {
      const skip = create(SkipSchema, { target: targetOf(send), clientId: send.clientId });
      this.#session.ask({ case: 'skip', value: skip }, (event) => {
        if (event === undefined) return false;
        this.#pending.skipped(send.clientId);
        this.pump();
        return false;
      });
      return;
    }
    const value = create(SendSchema, {
      target: targetOf(send),
      clientId: send.clientId,
      body: { content: { case: 'text', value: send.text } },
    });
    this.#session.ask({ case: 'send', value }, (event) => {
      if (event !== undefined) this.#answer(send, event);
      return false;
    });
  }

  #answer(send: QueuedSend, { event }: Event): void {
    if (event.case === 'sent') {
      if (this.#pending.sent(send.clientId) !== undefined) {
        this.#unstore(send.clientId);
        this.#landed.add(send, Number(event.value.seq), this.#clock.monotonicMs());
        this.#listener.onPending(send.convId);
      }
    } else if (event.case === 'error') {
      const refusal = toChatError(event.value);
      const failed = this.#pending.refused(send.clientId, refusal, this.#clock.monotonicMs(), this.#random());
      if (failed !== undefined) {
        this.#store(failed);
        this.#listener.onPending(send.convId);
      }
      if (refusal.retry === 'elsewhere') this.#session.dispatch({ t: 'moveOn' });
    }
    this.pump();
  }

  #isOwn({ userId }: QueuedSend): boolean {
    return userId === '' || userId === this.#self;
  }

  #order(): number {
    // By time, so that sends of several devices of one browser have an order, too.
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.#clock.wallMs() * 1_000);
    return this.#lastOrder;
  }

  #convOf(clientId: string): string | undefined {
    for (const send of this.#pending.all()) if (send.clientId === clientId) return send.convId;
    return undefined;
  }

  #store(send: QueuedSend): void {
    this.#storage.savePending(send).catch((error: unknown) => this.#listener.onStorageError(error));
  }

  #unstore(clientId: string): void {
    this.#storage.removePending(clientId).catch((error: unknown) => this.#listener.onStorageError(error));
  }
}

function targetOf(send: QueuedSend): Send['target'] {
  return send.peer === '' ? { case: 'convId', value: send.convId } : { case: 'to', value: send.peer };
}
