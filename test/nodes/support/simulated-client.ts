import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { bytesOf } from '../../../services/core/byte-string.ts';
import { EntrySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { Retry } from '../../../gen/parley/chat/v1/error_pb.ts';
import type { Sent } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { StoredEntry } from '../../../services/ports/message-store.ts';
import { say, unique } from '../../helpers/nodes.ts';
import type { TestSession } from '../../helpers/test-session.ts';

interface Pending {
  readonly clientId: string;
  readonly text: string;
  state: 'flying' | 'refused' | 'done';
}

/** A client that pipelines its sends, sends refused ones again in their first order, and acknowledges what it gets. */
export class SimulatedClient {
  readonly user: string;
  readonly session: TestSession;
  readonly #convId: string;
  readonly #sends: Pending[] = [];
  readonly #answers = new Map<string, Sent>();
  /** Refused for good, or given up. */
  readonly #dropped = new Set<string>();

  constructor(user: string, convId: string, session: TestSession) {
    this.user = user;
    this.session = session;
    this.#convId = convId;
  }

  say(count: number): void {
    // What is refused goes first; until then nothing new.
    if (this.#sends.some(({ state }) => state === 'refused')) return;
    const fresh = Array.from({ length: count }, (): Pending => {
      const clientId = unique(this.user);
      return { clientId, text: `text of ${clientId}`, state: 'flying' };
    });
    this.#sends.push(...fresh);
    this.#transmit(fresh);
  }

  /** Skips one of the refused sends. */
  giveUp(at: number): void {
    const refused = this.#sends.filter(({ state }) => state === 'refused');
    const one = refused[at];
    if (one === undefined) return;
    one.state = 'done';
    this.#dropped.add(one.clientId);
    this.session.tell({
      case: 'skip',
      value: { target: { case: 'convId', value: this.#convId }, clientId: one.clientId },
    });
  }

  /** All that was sent is answered for good. */
  async settled(): Promise<void> {
    const until = performance.now() + 20_000;
    while (this.#sends.some(({ state }) => state !== 'done')) {
      assert.ok(performance.now() < until, `${this.user} is stuck: ${JSON.stringify(this.#sends.slice(-9))}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** I1, I3: what was acknowledged stands in the log as it was sent, once. I2: in the order first sent. */
  checkAnswers(log: readonly StoredEntry[]): void {
    const places: number[] = [];
    for (const { clientId, text } of this.#sends) {
      const standing = log.filter(
        ({ content }) => fromBinary(EntrySchema, bytesOf(content)).clientId === clientId,
      );
      assert.ok(standing.length <= 1, `${clientId} stands in the log ${standing.length} times`);
      const answer = this.#answers.get(clientId);
      if (answer === undefined) continue;
      const [entry] = standing;
      assert.ok(entry, `${clientId} was acknowledged and is lost`);
      assert.deepEqual([BigInt(entry.seq), entry.msgId], [answer.seq, answer.msgId]);
      assert.equal(entry.sender, this.user);
      const { content } = fromBinary(EntrySchema, bytesOf(entry.content));
      assert.ok(
        content.case === 'message' && content.value.content.value === text,
        'the content is another one',
      );
      places.push(entry.seq);
    }
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      `${this.user}'s sends are out of order`,
    );
  }

  #transmit(sends: readonly Pending[]): void {
    const commands = sends.map(({ clientId, text }) => say(this.#convId, text, clientId));
    const ids = this.session.send(...commands);
    for (const [at, id] of ids.entries()) {
      const send = sends[at] as Pending;
      send.state = 'flying';
      void this.session.answer(id).then(({ event }) => {
        if (event.case === 'sent') this.#accepted(send, event.value);
        else if (event.case === 'error') this.#refused(send, event.value.retry === Retry.NEVER);
      });
    }
  }

  #accepted(send: Pending, answer: Sent): void {
    send.state = 'done';
    this.#answers.set(send.clientId, answer);
    this.#retry();
  }

  #refused(send: Pending, forGood: boolean): void {
    send.state = forGood ? 'done' : 'refused';
    if (forGood) this.#dropped.add(send.clientId);
    this.#retry();
  }

  /** Once nothing is under way: all that was refused, in its first order. */
  #retry(): void {
    if (this.#sends.some(({ state }) => state === 'flying')) return;
    setImmediate(() => {
      if (this.#sends.some(({ state }) => state === 'flying')) return;
      const refused = this.#sends.filter(({ state }) => state === 'refused');
      if (refused.length > 0) this.#transmit(refused);
    });
  }
}
