import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PendingSends, pendingLimits, type QueuedSend, type Transmission } from './pending.ts';
import { ChatError } from './types.ts';

const later = new ChatError('overloaded', '', 'here', 100);
const never = new ChatError('notMember', '', 'never');

const send = (clientId: string, convId = 'c', order = 0): QueuedSend => ({
  clientId,
  userId: '',
  convId,
  peer: '',
  text: `text of ${clientId}`,
  createdAtMs: 0,
  order,
  problem: '',
});

const names = (out: readonly Transmission[]): string[] =>
  out.map((one) => (one.t === 'skip' ? `skip ${one.send.clientId}` : one.send.clientId));

function pendingWith(...clientIds: string[]): PendingSends {
  const pending = new PendingSends({ max: 1_000 });
  pending.opened();
  for (const [order, clientId] of clientIds.entries()) pending.add(send(clientId, 'c', order));
  return pending;
}

describe('pending sends', () => {
  test('are pipelined in their order, once', () => {
    const pending = pendingWith('a', 'b');
    assert.deepEqual(names(pending.next(0)), ['a', 'b']);
    assert.deepEqual(names(pending.next(0)), []);
    pending.add(send('c'));
    assert.deepEqual(names(pending.next(0)), ['c']);
  });

  test('wait for a session, and go out again with the next one, in first order', () => {
    const pending = new PendingSends({ max: 10 });
    pending.add(send('a'));
    assert.deepEqual(pending.next(0), []);
    pending.opened();
    pending.add(send('b'));
    assert.deepEqual(names(pending.next(0)), ['a', 'b']);
    pending.sent('b');
    pending.closed();
    pending.add(send('c'));
    assert.deepEqual(pending.next(0), []);
    pending.opened();
    assert.deepEqual(names(pending.next(0)), ['a', 'c']);
  });

  test('of an earlier run go before those that came first to hand, unless these are on the wire', () => {
    const pending = new PendingSends({ max: 10 });
    pending.add(send('c', 'c', 3));
    pending.add(send('a', 'c', 1));
    pending.add(send('b', 'c', 2));
    pending.opened();
    assert.deepEqual(names(pending.next(0)), ['a', 'b', 'c']);
    pending.add(send('e', 'c', 5));
    pending.add(send('early', 'c', 0));
    assert.deepEqual(names(pending.next(0)), ['early', 'e']);
  });

  test('after a retryable refusal only the refused ones go out, when all is answered and the wait is over', () => {
    const pending = pendingWith('a', 'b', 'c');
    pending.next(0);
    pending.refused('a', later, 0, 0);
    pending.add(send('d', 'c', 9));
    assert.deepEqual(names(pending.next(1_000)), [], 'b and c are not answered');
    pending.sent('b');
    pending.refused('c', later, 1_000, 0);
    assert.equal(pending.dueMs(), 1_100);
    assert.deepEqual(names(pending.next(1_099)), [], 'the wait is not over');
    pending.tick(1_100);
    assert.deepEqual(names(pending.next(1_100)), ['a', 'c']);
    pending.sent('a');
    assert.deepEqual(names(pending.next(1_100)), [], 'd waits until c is through');
    pending.sent('c');
    assert.deepEqual(names(pending.next(1_100)), ['d']);
  });

  test('a refusal for good fails one send and holds nobody up', () => {
    const pending = pendingWith('a', 'b');
    pending.next(0);
    assert.equal(pending.refused('a', never, 0, 0)?.problem, 'notMember');
    pending.sent('b');
    assert.deepEqual(
      pending.list('c').map((one) => [one.clientId, one.status, one.problem]),
      [['a', 'failed', 'notMember']],
    );
    assert.deepEqual(pending.next(0), []);
    assert.equal(pending.retry('a', 7)?.problem, '');
    assert.deepEqual(names(pending.next(0)), ['a']);
  });

  test('a refused send that is discarded is skipped in its place', () => {
    const pending = pendingWith('a', 'b');
    pending.next(0);
    pending.refused('a', later, 0, 0);
    pending.refused('b', later, 0, 0);
    assert.equal(pending.discard('a'), true);
    pending.tick(10_000);
    assert.deepEqual(names(pending.next(10_000)), ['skip a', 'b']);
    pending.skipped('a');
    pending.sent('b');
    assert.deepEqual(pending.list('c'), []);
  });

  test('a send that is discarded while it is unanswered is given up only when it is refused', () => {
    const pending = pendingWith('a');
    pending.next(0);
    pending.discard('a');
    assert.deepEqual(pending.list('c'), []);
    pending.refused('a', later, 0, 0);
    pending.tick(10_000);
    assert.deepEqual(names(pending.next(10_000)), ['skip a']);
  });

  test('a refused send that stands in the log all the same is skipped, or nothing else would pass', () => {
    const pending = pendingWith('a', 'b');
    pending.next(0);
    pending.refused('a', later, 0, 0);
    pending.confirmed('a');
    pending.sent('b');
    pending.tick(10_000);
    assert.deepEqual(names(pending.next(10_000)), ['skip a']);
  });

  test('an entry that comes before its answer settles the send, and the answer is waited for', () => {
    const pending = pendingWith('a');
    pending.next(0);
    assert.equal(pending.confirmed('a')?.clientId, 'a');
    assert.deepEqual(pending.list('c'), []);
    assert.equal(pending.confirmed('a'), undefined);
    pending.refused('a', later, 0, 0);
    pending.tick(10_000);
    assert.deepEqual(names(pending.next(10_000)), ['skip a']);
    pending.skipped('a');
    assert.equal(pending.has('a'), false);
  });

  test('conversations do not hold each other up', () => {
    const pending = pendingWith('a');
    pending.add(send('x', 'other'));
    pending.next(0);
    pending.refused('a', later, 0, 0);
    pending.add(send('y', 'other'));
    assert.deepEqual(names(pending.next(0)), ['y']);
  });

  test('no more are on the wire than the windows allow', () => {
    const pending = new PendingSends({ max: 10_000 });
    pending.opened();
    for (let n = 0; n < 1_000; n++) pending.add(send(`${n}`, `c${n % 10}`));
    const first = pending.next(0);
    assert.equal(first.length, pendingLimits.window);
    for (const { send: one } of first.slice(0, 5)) pending.sent(one.clientId);
    assert.equal(pending.next(0).length, 5);
  });

  test('there is a limit to them', () => {
    const pending = new PendingSends({ max: 2 });
    pending.add(send('a'));
    assert.equal(pending.full, false);
    pending.add({ ...send('b'), problem: 'notMember' });
    assert.equal(pending.full, true);
  });
});

/**
 * What the server promises: of the sends of a session in a conversation, none is taken behind one that was refused
 * with a retry, until the refused ones have passed in their first order.
 */
class Owner {
  readonly accepted: string[] = [];
  #refused: string[] = [];
  #blocked = false;
  readonly #unanswered: Transmission[] = [];

  take(transmissions: readonly Transmission[]): void {
    this.#unanswered.push(...transmissions);
  }

  get idle(): boolean {
    return this.#unanswered.length === 0;
  }

  newSession(): void {
    this.#unanswered.length = 0;
    this.#refused = [];
    this.#blocked = false;
  }

  /** Decides about the first unanswered one. */
  answer(refuse: boolean): { readonly clientId: string; readonly outcome: 'sent' | 'refused' | 'skipped' } {
    const { t, send: one } = this.#unanswered.shift() as Transmission;
    const { clientId } = one;
    if (t === 'skip') {
      assert.ok(this.#refused.includes(clientId), 'only refused sends are skipped');
      this.#refused = this.#refused.filter((other) => other !== clientId);
      return { clientId, outcome: 'skipped' };
    }
    const turn = this.#refused.length === 0 || this.#refused[0] === clientId;
    if (!turn || this.#blocked || refuse) {
      // Everything behind it that is on its way is refused with it.
      this.#blocked = this.#unanswered.length > 0;
      if (!this.#refused.includes(clientId)) this.#refused.push(clientId);
      return { clientId, outcome: 'refused' };
    }
    this.#refused = this.#refused.filter((other) => other !== clientId);
    if (!this.accepted.includes(clientId)) this.accepted.push(clientId);
    return { clientId, outcome: 'sent' };
  }
}

test('property: whatever is refused, cut or discarded, the rest arrives once and in the order of sending', () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ t: fc.constant('send' as const) }) },
    { weight: 6, arbitrary: fc.record({ t: fc.constant('answer' as const), refuse: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ t: fc.constant('wait' as const), ms: fc.nat({ max: 5_000 }) }) },
    { weight: 1, arbitrary: fc.record({ t: fc.constant('cut' as const), answered: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ t: fc.constant('discard' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ t: fc.constant('seen' as const), which: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const pending = new PendingSends({ max: 1_000 });
      const owner = new Owner();
      const order: string[] = [];
      const discarded = new Set<string>();
      let nowMs = 0;
      pending.opened();
      const pump = (): void => owner.take(pending.next(nowMs));
      const answer = (refuse: boolean): void => {
        if (owner.idle) return;
        const { clientId, outcome } = owner.answer(refuse);
        if (outcome === 'sent') pending.sent(clientId);
        else if (outcome === 'skipped') pending.skipped(clientId);
        else pending.refused(clientId, later, nowMs, 0.5);
        pump();
      };
      for (const step of actions) {
        if (step.t === 'send') {
          const clientId = `m${order.length}`;
          order.push(clientId);
          pending.add(send(clientId, 'c', order.length));
          pump();
        } else if (step.t === 'answer') answer(step.refuse);
        else if (step.t === 'wait') {
          nowMs += step.ms;
          pending.tick(nowMs);
          pump();
        } else if (step.t === 'cut') {
          // The last decision may have been made and not heard of.
          if (step.answered && !owner.idle) owner.answer(false);
          owner.newSession();
          pending.closed();
          pending.opened();
          pump();
        } else if (step.t === 'discard') {
          const clientId = order[step.which % Math.max(1, order.length)];
          if (clientId !== undefined && pending.discard(clientId)) discarded.add(clientId);
        } else {
          const clientId = owner.accepted[step.which % Math.max(1, owner.accepted.length)];
          if (clientId !== undefined) pending.confirmed(clientId);
        }
      }
      for (let rounds = 0; rounds < 1_000 && order.some((one) => pending.has(one)); rounds++) {
        nowMs += 10_000;
        pending.tick(nowMs);
        pump();
        while (!owner.idle) answer(false);
      }
      const expected = order.filter((one) => !discarded.has(one));
      assert.deepEqual(
        owner.accepted.filter((one) => !discarded.has(one)),
        expected,
      );
      assert.deepEqual(
        owner.accepted,
        order.filter((one) => owner.accepted.includes(one)),
      );
    }),
    { numRuns: 1_000 },
  );
});
