import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import { OutboxStore, type Told } from '../../../test/helpers/outbox-store.ts';
import { decodeCommittedEvent } from '../../codec/committed-event.ts';
import { silentLogger } from '../../core/log.ts';
import { EventLogError, type LogEvent } from '../../ports/event-log.ts';
import type { OutboxRow } from '../../ports/outbox.ts';
import { OutboxWork, type OutboxWorkParts } from './outbox-work.ts';

/** A log that takes, refuses or hangs as a test wants it, and keeps what it took. */
class Log {
  readonly taken: string[] = [];
  failures: Error[] = [];
  /** Fails for as long as it is set. */
  failing: Error | undefined;
  /** Which it will never take together. */
  refuses = (_texts: readonly string[]): boolean => false;
  asked = 0;
  gate: Promise<void> | undefined;
  /** What happens while it takes its time. */
  before: () => Promise<void> = async () => {};

  async publish(events: readonly LogEvent[]): Promise<void> {
    this.asked += 1;
    await this.gate;
    await this.before();
    const failure = this.failing ?? this.failures.shift();
    if (failure !== undefined) throw failure;
    const texts = events.flatMap(({ convId, value }) =>
      decodeCommittedEvent(value).entries.map(({ seq }) => `${convId}:${seq}`),
    );
    if (this.refuses(texts)) throw new EventLogError('rejected', 'too large');
    this.taken.push(...texts);
  }
}

const down = () => new EventLogError('unavailable', 'down');
const upTo = (last: number, convId = 'g') => Array.from({ length: last }, (_, i) => `${convId}:${i + 1}`);

/** A node's work on the outbox of a real store: nothing is removed by itself, since no time passes. */
class Scene implements AsyncDisposable {
  readonly rows: OutboxStore;
  readonly log = new Log();
  readonly work: OutboxWork;
  nowMs = 0;
  linked = true;
  /** Rows whose owners were asked to forward them, in order. */
  readonly forwarded: bigint[] = [];
  confirms = (_: OutboxRow): boolean => true;

  private constructor(rows: OutboxStore, parts: Partial<OutboxWorkParts>) {
    this.rows = rows;
    this.work = new OutboxWork({
      store: {
        range: (convNo, from, to, limit, backward) => rows.store.range(convNo, from, to, limit, backward),
        outbox: rows.outbox,
      },
      events: this.log,
      incarnation: () => rows.incarnation,
      linked: () => this.linked,
      adopts: () => true,
      forward: async (waiting) => {
        const confirmed = waiting.filter((row) => this.confirms(row)).map(({ batchId }) => batchId);
        this.forwarded.push(...confirmed);
        return new Set(confirmed);
      },
      clock: { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs },
      random: () => 0,
      log: silentLogger,
      ...parts,
    });
  }

  static async open(parts: Partial<OutboxWorkParts> = {}): Promise<Scene> {
    return new Scene(await OutboxStore.open(), { ...parts, limits: { keepMs: 0, ...parts.limits } });
  }

  get relay() {
    return this.work.relay;
  }

  tell({ batchId, events }: Told): void {
    this.relay.committed(batchId, events);
  }

  async commit(convId: string, batchId: number): Promise<void> {
    this.tell(await this.rows.commit(convId, batchId));
  }

  drained(): Promise<void> {
    return this.relay.drain(20_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.work.stop();
    await this.rows[Symbol.asyncDispose]();
  }
}

describe('a relay', () => {
  it('publishes in order through failures, and tells of them', async () => {
    await using scene = await Scene.open();
    scene.log.failures = [down(), down()];
    const told: Told[] = [];
    for (let no = 1; no <= 5; no++) told.push(await scene.rows.commit('g', no));
    for (const each of told) scene.tell(each);
    await scene.drained();
    assert.deepEqual(scene.log.taken, upTo(5));
    assert.deepEqual({ ...scene.relay.meters }, { published: 5, failed: 2, lost: 0, forced: 0 });
    assert.equal(scene.relay.lag, 0);
    assert.equal(await scene.rows.count('one'), 0);
  });

  it('passes over what the log will never take, counted', async () => {
    await using scene = await Scene.open();
    scene.log.failures = [new EventLogError('rejected', 'too large')];
    await scene.commit('g', 1);
    await scene.drained();
    await scene.commit('g', 2);
    await scene.drained();
    assert.deepEqual(scene.log.taken, ['g:2']);
    assert.equal(scene.relay.meters.lost, 1);
  });

  it('loses nothing but what the log will never take', async () => {
    await using scene = await Scene.open();
    scene.log.refuses = (texts) => texts.includes('g:3') || texts.length > 3;
    const told: Told[] = [];
    for (let no = 1; no <= 8; no++) told.push(await scene.rows.commit('g', no));
    for (const each of told) scene.tell(each);
    await scene.drained();
    assert.deepEqual(
      scene.log.taken,
      upTo(8).filter((text) => text !== 'g:3'),
    );
    assert.deepEqual({ ...scene.relay.meters }, { published: 7, failed: 0, lost: 1, forced: 0 });
  });

  it('looks for the culprits no longer than there are few', async () => {
    await using scene = await Scene.open();
    scene.log.refuses = () => true;
    const told: Told[] = [];
    for (let no = 1; no <= 200; no++) told.push(await scene.rows.commit('g', no));
    for (const each of told) scene.tell(each);
    await scene.drained();
    assert.deepEqual({ ...scene.relay.meters }, { published: 0, failed: 0, lost: 200, forced: 0 });
    assert.ok(scene.log.asked < 60, `${scene.log.asked}`);
  });

  it('reads from the outbox what it had no room for, though the outbox fails for a while', async () => {
    await using scene = await Scene.open({ limits: { queueBytes: 1_000 } });
    const { relay, log, rows } = scene;
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const told: Told[] = [];
    for (let no = 1; no <= 450; no++) told.push(await rows.commit('g', no));
    for (const each of told) scene.tell(each);
    assert.ok(relay.waitingBytes <= 1_000);
    rows.broken = true;
    gate.resolve();
    await until(
      () => relay.meters.failed >= 2,
      () => 'nothing failed',
    );
    rows.broken = false;
    await scene.drained();
    assert.deepEqual(log.taken, upTo(450));
    assert.equal(relay.meters.lost, 0);
    assert.equal(await rows.count('one'), 0);
  });

  it('finds in the outbox what was committed without its knowing, and has it forwarded before it goes', async () => {
    await using scene = await Scene.open();
    const { relay, work, rows } = scene;
    scene.confirms = () => false;
    await rows.commit('g', 1);
    relay.uncertain(1n);
    // One that was not committed after all.
    relay.uncertain(2n);
    await scene.drained();
    assert.deepEqual(scene.log.taken, ['g:1']);
    await work.adopter.look();
    assert.deepEqual([work.adopter.heldRows, await rows.count('one')], [1, 1]);
    scene.confirms = () => true;
    await work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n]);
    await scene.commit('g', 3);
    await scene.drained();
    assert.equal(await rows.count('one'), 0);
  });

  it('finds in the end what nobody told it of', async () => {
    await using scene = await Scene.open();
    await scene.rows.commit('g', 1);
    await scene.commit('g', 2);
    await scene.drained();
    assert.deepEqual(scene.log.taken, ['g:2']);
    scene.nowMs = 3_000;
    await scene.commit('g', 3);
    await scene.drained();
    assert.deepEqual(scene.log.taken, ['g:2', 'g:3']);
    await scene.rows.store.leaseWorker('one', 0, 100_000);
    scene.nowMs = 40_000;
    await scene.commit('g', 4);
    await scene.drained();
    assert.deepEqual(scene.log.taken, ['g:2', 'g:3', 'g:1', 'g:4']);
    assert.equal(await scene.rows.count('one'), 0);
  });

  it('I5: finds soon what lands after it was looked for, and has it forwarded: a write whose answer was lost may still be on its way', async () => {
    await using scene = await Scene.open();
    scene.relay.uncertain(1n);
    await scene.drained();
    await scene.rows.commit('g', 1);
    scene.nowMs = 1_000;
    await scene.commit('h', 2);
    await scene.drained();
    assert.deepEqual(scene.log.taken.toSorted(), ['g:1', 'h:1']);
    await scene.work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n]);
  });

  it('I5: looks once more when nothing can land any more, however long it could not look', async () => {
    await using scene = await Scene.open();
    scene.relay.uncertain(1n);
    await scene.drained();
    await scene.rows.commit('g', 1);
    scene.nowMs = 30_000;
    await scene.commit('h', 2);
    await scene.drained();
    await scene.commit('h', 3);
    await scene.drained();
    await scene.work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n]);
  });

  it('removes rows that are published and old enough, while all edges are linked', async () => {
    await using scene = await Scene.open({ limits: { keepMs: 500 } });
    const { rows, relay } = scene;
    scene.linked = false;
    const commit = async (no: number) => {
      await scene.commit('g', no);
      await scene.drained();
    };
    await commit(1);
    scene.nowMs += 1_000;
    await commit(2);
    assert.equal(await rows.count('one'), 2);
    scene.linked = true;
    // By the store's clock it is too young, whatever ours says: it goes when both agree.
    await until(
      async () => {
        await commit(Number(relay.meters.published) + 1);
        return relay.keptRows < relay.meters.published;
      },
      () => 'no row was removed',
    );
    assert.equal(await rows.count('one'), relay.keptRows);
  });

  it('I6: keeps no more rows than it may, whoever is linked, counted', async () => {
    await using scene = await Scene.open({ limits: { keepRows: 10 } });
    scene.linked = false;
    for (let no = 1; no <= 50; no++) await scene.commit('g', no);
    await scene.drained();
    assert.equal(await scene.rows.count('one'), 10);
    assert.equal(scene.relay.meters.forced, 40);
    assert.equal(scene.log.taken.length, 50);
  });

  it('I6: keeps no more rows than it may while nothing can be published, counted, and the newest ones', async () => {
    await using scene = await Scene.open({ limits: { keepRows: 10, queueBytes: 1_000 } });
    const { log, relay, rows } = scene;
    log.failing = down();
    for (let no = 1; no <= 300; no++) await scene.commit('g', no);
    await until(
      async () => (await rows.count('one')) === 10,
      () => 'the outbox is over its limit',
    );
    log.failing = undefined;
    await scene.drained();
    // A page of them is in memory, and is published all the same.
    assert.ok(relay.meters.lost > 0);
    assert.equal(relay.meters.lost + new Set(log.taken).size, 300);
    assert.deepEqual(log.taken.slice(-10), upTo(300).slice(-10));
  });

  it('I6: keeps no more rows than it may, however many have come while an attempt took its time', async () => {
    await using scene = await Scene.open({ limits: { keepRows: 10, queueBytes: 1_000 } });
    const { log, rows } = scene;
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    log.gate = first.promise;
    for (let no = 1; no <= 2_300; no++) await scene.commit('g', no);
    log.failures = [down()];
    log.gate = second.promise;
    first.resolve();
    await until(
      async () => (await rows.count('one')) === 10,
      () => 'the outbox is over its limit',
    );
    second.resolve();
    await scene.drained();
  });

  it('I6: removes what was published also where there is always something to be published', async () => {
    await using scene = await Scene.open();
    const { log, rows } = scene;
    const most = { rows: 0 };
    const last = 60;
    let no = 1;
    log.before = async () => {
      most.rows = Math.max(most.rows, await rows.count('one'));
      scene.nowMs += 150;
      if (no < last) await scene.commit('g', ++no);
    };
    await scene.commit('g', no);
    await scene.drained();
    assert.deepEqual(log.taken, upTo(last));
    assert.ok(most.rows < 20, `${most.rows} rows of ${last}`);
  });

  it('keeps rows, and removes them, where nobody wants to hear of events', async () => {
    await using scene = await Scene.open({ events: undefined });
    scene.linked = false;
    await scene.commit('g', 1);
    await scene.drained();
    assert.equal(await scene.rows.count('one'), 1);
    scene.linked = true;
    await scene.commit('g', 2);
    await scene.drained();
    assert.equal(await scene.rows.count('one'), 0);
    assert.equal(scene.relay.meters.published, 0);
  });

  it('leaves its rows alone once it has another name', async () => {
    await using scene = await Scene.open();
    const { log, rows } = scene;
    log.failures = [down()];
    await scene.commit('g', 1);
    rows.incarnation = 'two';
    await scene.commit('g', 2);
    await scene.drained();
    assert.deepEqual(log.taken, ['g:2']);
    assert.deepEqual([await rows.count('one'), await rows.count('two')], [1, 0]);
  });
});

describe('an adopter', () => {
  /** The run `one` is dead, with so many rows; the scene goes on as `two`. */
  async function afterDeath(rows: number, parts: Partial<OutboxWorkParts> = {}): Promise<Scene> {
    const scene = await Scene.open(parts);
    for (let no = 1; no <= rows; no++) await scene.rows.commit('g', no);
    scene.rows.incarnation = 'two';
    scene.nowMs = 20_000;
    await scene.rows.store.leaseWorker('two', 5_000, 100_000);
    return scene;
  }

  it('publishes and forwards what a dead run left, in order, then removes it; living ones keep theirs', async () => {
    await using scene = await afterDeath(450);
    const { rows, work, log } = scene;
    await rows.store.leaseWorker('three', 5_000, 100_000);
    rows.incarnation = 'three';
    await rows.commit('alive', 1_000);
    rows.incarnation = 'two';
    await work.adopter.look();
    await scene.drained();
    assert.deepEqual(log.taken, upTo(450));
    assert.equal(scene.forwarded.length, 450);
    assert.equal(work.adopter.meters.adopted, 450);
    assert.deepEqual(
      [await rows.count('one'), await rows.count('two'), await rows.count('three')],
      [0, 0, 1],
    );
  });

  it('takes the rows that are its own to take, and after a while those that nobody took', async () => {
    await using scene = await afterDeath(4, { adopts: (batchId) => batchId % 2n === 0n });
    const { rows, work, log } = scene;
    await work.adopter.look();
    await scene.drained();
    assert.deepEqual(log.taken, ['g:2', 'g:4']);
    assert.equal(await rows.count('one'), 2);
    scene.nowMs += 10_000;
    await work.adopter.look();
    await scene.drained();
    assert.deepEqual(log.taken, ['g:2', 'g:4', 'g:1', 'g:3']);
    assert.equal(await rows.count('one'), 0);
  });

  it('forwards although nothing can be published, and removes nothing that was not', async () => {
    await using scene = await afterDeath(3);
    const { rows, work, log } = scene;
    log.failing = down();
    await work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n, 2n, 3n]);
    await until(
      () => scene.relay.meters.failed > 0,
      () => 'nothing was tried',
    );
    assert.equal(await rows.count('two'), 3);
    log.failing = undefined;
    await scene.drained();
    assert.deepEqual(log.taken, upTo(3));
    assert.equal(await rows.count('two'), 0);
  });

  it('removes nothing that was not forwarded, and tries again', async () => {
    await using scene = await afterDeath(3);
    const { rows, work } = scene;
    scene.confirms = ({ batchId }) => batchId !== 2n;
    await work.adopter.look();
    await scene.drained();
    assert.deepEqual(scene.forwarded, [1n, 3n]);
    assert.deepEqual(
      (await rows.outbox.rows('two', 0n, 10)).map(({ batchId }) => batchId),
      [2n],
    );
    scene.confirms = () => true;
    await work.adopter.look();
    await scene.commit('g', 9);
    await scene.drained();
    assert.deepEqual(scene.forwarded, [1n, 3n, 2n]);
    assert.equal(await rows.count('two'), 0);
  });

  it('looks again after a store that does not answer', async () => {
    await using scene = await afterDeath(1);
    const { rows, work } = scene;
    rows.broken = true;
    await work.adopter.look();
    assert.equal(work.adopter.meters.failed, 1);
    rows.broken = false;
    await work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n]);
  });

  it('publishes and forwards rows that became its own by a call whose answer was lost', async () => {
    await using scene = await afterDeath(3);
    const { rows, work, log } = scene;
    rows.unanswered = 'adopt';
    await work.adopter.look();
    assert.deepEqual([await rows.count('one'), await rows.count('two')], [0, 3]);
    await scene.drained();
    assert.deepEqual(log.taken, upTo(3));
    await work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n, 2n, 3n]);
  });

  it('lets go of what it had when its own name is over', async () => {
    await using scene = await afterDeath(2);
    const { rows, work } = scene;
    scene.confirms = () => false;
    await work.adopter.look();
    assert.equal(work.adopter.heldRows, 2);
    rows.incarnation = 'four';
    scene.nowMs = 200_000;
    await rows.store.leaseWorker('four', 200_000, 300_000);
    scene.confirms = () => true;
    await work.adopter.look();
    assert.deepEqual(scene.forwarded, [1n, 2n]);
    assert.deepEqual([await rows.count('two'), work.adopter.heldRows], [0, 0]);
  });
});
