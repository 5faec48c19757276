import { Fault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { Slots } from '../core/slots.ts';
import type { SessionAck, SessionAcks } from '../ports/session-acks.ts';
import type { EdgePeer } from './edge-peer.ts';
import type { PresenceBook } from './presence-book.ts';

interface Question {
  readonly waitsFor: Set<EdgePeer>;
  readonly sessions: SessionAck[];
  readonly timer: NodeJS.Timeout;
  readonly resolve: (sessions: readonly SessionAck[]) => void;
}

/** Asks at once, at most; with more, edges are too busy to be asked. */
const mostQuestions = 256;

/**
 * Asks edges how far sessions are with an entry. An edge that does not answer in time has none that count: it may be
 * frozen, and what it took nobody has acknowledged.
 */
export class AckQuestions implements SessionAcks {
  readonly #presence: Pick<PresenceBook, 'edgesOf'>;
  readonly #timeoutMs: number;
  readonly #open = new Slots<Question>();

  constructor(parts: { readonly presence: Pick<PresenceBook, 'edgesOf'>; readonly timeoutMs: number }) {
    this.#presence = parts.presence;
    this.#timeoutMs = parts.timeoutMs;
  }

  async sessions(convId: ConvId, seq: Seq, users: readonly UserId[]): Promise<readonly SessionAck[]> {
    const asked = new Map<EdgePeer, UserId[]>();
    for (const userId of users)
      for (const edge of this.#presence.edgesOf(userId)) {
        const named = asked.get(edge);
        if (named === undefined) asked.set(edge, [userId]);
        else named.push(userId);
      }
    if (asked.size === 0) return [];
    if (this.#open.size >= mostQuestions)
      throw new Fault('overloaded', { message: 'too many questions wait for edges', retryAfterMs: 200 });
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(call), this.#timeoutMs);
      const call = this.#open.add({ waitsFor: new Set(asked.keys()), sessions: [], timer, resolve });
      for (const [edge, named] of asked)
        edge.send({ t: 'askSessionAcks', call, convId, seq, users: named }, 128 + 80 * named.length);
    });
  }

  /** An edge's answer; one that comes too late, or to what it was not asked, is dropped. */
  answered(edge: EdgePeer, call: number, sessions: readonly SessionAck[]): void {
    const question = this.#open.get(call);
    if (question?.waitsFor.delete(edge) !== true) return;
    question.sessions.push(...sessions);
    if (question.waitsFor.size === 0) this.#settle(call);
  }

  /** An edge is gone, and its sessions with it. */
  gone(edge: EdgePeer): void {
    for (const [call, { waitsFor }] of this.#open)
      if (waitsFor.delete(edge) && waitsFor.size === 0) this.#settle(call);
  }

  #settle(call: number): void {
    const question = this.#open.take(call);
    if (question === undefined) return;
    clearTimeout(question.timer);
    question.resolve(question.sessions);
  }
}
