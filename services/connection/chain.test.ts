import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SendChain } from './chain.ts';

function chain(places = 1_000): { readonly chain: SendChain; readonly budget: { left: number } } {
  let last = 0;
  const budget = { left: places };
  return { chain: new SendChain({ draw: () => ++last, budget }), budget };
}

describe('a chain of sends', () => {
  it('lets sends pass under one number while none is refused', () => {
    const { chain: sends } = chain();
    assert.deepEqual([sends.admit('a'), sends.admit('b')], [1, 1]);
    sends.answered('a', false);
    assert.equal(sends.admit('c'), 1);
    sends.answered('b', false);
    assert.equal(sends.idle, false);
    sends.answered('c', false);
    assert.equal(sends.idle, true);
  });

  it('opens under a higher number once all are answered, for the refused ones in their first order', () => {
    const { chain: sends } = chain();
    for (const id of ['a', 'b', 'c']) sends.admit(id);
    sends.answered('c', true);
    sends.answered('a', true);
    assert.equal(sends.admit('a'), undefined, 'b is not answered yet');
    sends.answered('b', true);
    assert.deepEqual([sends.admit('b'), sends.admit('c')], [undefined, undefined]);
    assert.deepEqual(
      [sends.admit('a'), sends.admit('c'), sends.admit('b'), sends.admit('c')],
      [2, undefined, 2, 2],
    );
  });

  it('I2: passes nothing to another owner before the former one has answered', () => {
    const { chain: sends } = chain();
    const [former, next] = [{}, {}];
    assert.equal(sends.admit('a', former), 1);
    assert.equal(sends.admit('b', next), undefined);
    sends.hold('b');
    assert.equal(sends.admit('c', former), undefined, 'b has its place before it');
    sends.hold('c');
    sends.answered('a', false);
    assert.deepEqual(
      [sends.admit('c', next), sends.admit('b', next), sends.admit('c', next)],
      [undefined, 1, 1],
    );
  });

  it('keeps the place of what it refused itself', () => {
    const { chain: sends } = chain();
    sends.admit('a');
    sends.answered('a', true);
    assert.equal(sends.admit('b'), undefined);
    assert.equal(sends.hold('b'), true);
    assert.equal(sends.admit('a'), 2);
    assert.equal(sends.admit('c'), undefined, 'b comes before');
    sends.hold('c');
    assert.deepEqual([sends.admit('b'), sends.admit('c')], [2, 2]);
  });

  it('lets those behind a skipped one pass', () => {
    const { chain: sends, budget } = chain();
    for (const id of ['a', 'b']) sends.admit(id);
    for (const id of ['a', 'b']) sends.answered(id, true);
    sends.skip('a');
    sends.skip('never sent');
    assert.equal(sends.admit('b'), 2);
    sends.answered('b', false);
    assert.equal(sends.idle, true);
    assert.equal(budget.left, 1_000);
  });

  it('says whose doing it is that sends wait: that of the first one refused', () => {
    const { chain: sends } = chain();
    assert.equal(sends.waitsByServer, true, 'for another owner');
    for (const id of ['a', 'b']) sends.admit(id);
    sends.hold('c', false);
    assert.equal(sends.waitsByServer, false);
    sends.answered('b', true, true);
    assert.equal(sends.waitsByServer, true, 'b comes before c');
    sends.answered('a', false);
    assert.equal(sends.admit('b'), 2);
    assert.equal(sends.waitsByServer, false);
    sends.hold('c', true);
    assert.equal(sends.waitsByServer, false, 'c has its place already');
  });

  it('counts a send that is out twice as one, at its first place', () => {
    const { chain: sends } = chain();
    for (const id of ['a', 'b', 'a']) sends.admit(id);
    sends.answered('a', true);
    sends.answered('b', true);
    assert.equal(sends.admit('a'), undefined, 'its copy is still out');
    sends.answered('a', true);
    assert.deepEqual([sends.admit('a'), sends.admit('b')], [2, 2]);
  });

  it('does not wait for a send of which one copy was taken', () => {
    const { chain: sends } = chain();
    for (const id of ['a', 'a', 'b']) sends.admit(id);
    sends.answered('a', false);
    sends.answered('a', true);
    sends.answered('b', true);
    assert.equal(sends.admit('b'), 2);
  });

  it('holds no more than its session may hold, and never loses the first', () => {
    const { chain: sends, budget } = chain(2);
    for (const id of ['a', 'b', 'c']) sends.admit(id);
    for (const id of ['a', 'b', 'c']) sends.answered(id, true);
    assert.equal(budget.left, -1);
    assert.equal(sends.hold('d'), false);
    assert.deepEqual([sends.admit('a'), sends.admit('b'), sends.admit('c')], [2, 2, 2]);
    assert.equal(budget.left, 2);
  });

  it('I2: whatever is refused, whenever answers come: what is taken is taken in the order first sent', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(999), { maxLength: 300 }), fc.nat(), (steps, seed) => {
        const world = new World(seed);
        for (const step of steps) world.step(step);
        world.finish();
        assert.deepEqual(world.taken, world.expected(), 'order');
      }),
      { numRuns: 500 },
    );
  });
});

/** An owner that applies the rule of refused chains, and a client that pipelines, retries and gives up at random. */
class World {
  readonly taken: string[] = [];
  /** First order of all that were not given up. */
  #order: string[] = [];
  readonly #skipped = new Set<string>();
  readonly #chain = chain().chain;
  #onTheWay: { id: string; number: number }[] = [];
  #answers: { id: string; retry: boolean }[] = [];
  #refusedByOwner = 0;
  /** Refused, as the client has heard. */
  readonly #toRetry = new Set<string>();
  #random: number;
  #fresh = 0;

  constructor(seed: number) {
    this.#random = seed;
  }

  step(step: number): void {
    const kind = step % 10;
    if (kind < 3) this.#send(`s${(this.#fresh += 1)}`);
    else if (kind < 5) this.#ownerTakes(step % 3 === 0);
    else if (kind < 7) this.#clientHears();
    else if (kind === 7) this.#retry(step);
    else if (kind === 8) this.#retryAll();
    else this.#skip(step);
  }

  /** From now on nothing is refused by the owner, and the client retries all that it heard was refused. */
  finish(): void {
    for (let round = 0; round < 3 * this.#order.length + 10; round += 1) {
      while (this.#onTheWay.length > 0) this.#ownerTakes(false);
      while (this.#answers.length > 0) this.#clientHears();
      this.#retryAll();
    }
    assert.equal(this.#chain.idle, true, 'something is stuck');
  }

  expected(): string[] {
    return this.#order.filter((id) => !this.#skipped.has(id));
  }

  #send(id: string): void {
    if (!this.#order.includes(id)) this.#order.push(id);
    this.#toRetry.delete(id);
    const number = this.#chain.admit(id);
    if (number !== undefined) this.#onTheWay.push({ id, number });
    else {
      this.#chain.hold(id);
      this.#toRetry.add(id);
    }
  }

  #ownerTakes(refuses: boolean): void {
    const next = this.#onTheWay.shift();
    if (next === undefined) return;
    const retry = next.number <= this.#refusedByOwner || refuses;
    if (retry) this.#refusedByOwner = Math.max(this.#refusedByOwner, next.number);
    else if (!this.taken.includes(next.id)) this.taken.push(next.id);
    this.#answers.push({ id: next.id, retry });
  }

  #clientHears(): void {
    if (this.#answers.length === 0) return;
    const [answer] = this.#answers.splice(this.#pick(this.#answers.length), 1) as [
      { id: string; retry: boolean },
    ];
    this.#chain.answered(answer.id, answer.retry);
    if (answer.retry && !this.taken.includes(answer.id)) this.#toRetry.add(answer.id);
  }

  #retry(step: number): void {
    const ids = [...this.#toRetry];
    const id = ids[step % Math.max(1, ids.length)];
    if (id !== undefined && !this.#skipped.has(id)) this.#send(id);
  }

  #retryAll(): void {
    for (const id of this.#order) if (this.#toRetry.has(id) && !this.#skipped.has(id)) this.#send(id);
  }

  /** Only what is refused and not on its way: what is out may still be taken. */
  #skip(step: number): void {
    const out = new Set([...this.#onTheWay, ...this.#answers].map(({ id }) => id));
    const ids = [...this.#toRetry].filter((id) => !out.has(id) && !this.taken.includes(id));
    const id = ids[step % Math.max(1, ids.length)];
    if (id === undefined) return;
    this.#chain.skip(id);
    this.#toRetry.delete(id);
    this.#skipped.add(id);
  }

  #pick(below: number): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#random % below;
  }
}
