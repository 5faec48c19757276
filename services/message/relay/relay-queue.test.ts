import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type RelayBatch, RelayQueue, type RelayStep } from './relay-queue.ts';

const limits = { queueBytes: 500, publishBytes: 150 };

function batch(batchId: number, bytes = 100): RelayBatch {
  return { batchId: BigInt(batchId), events: [], bytes };
}

function ids(batches: readonly RelayBatch[]): number[] {
  return batches.map(({ batchId }) => Number(batchId));
}

describe('the queue of a relay', () => {
  it('publishes what was committed in order, some together, and what failed again as it was', () => {
    const queue = new RelayQueue(limits);
    for (const no of [1, 2, 3]) queue.committed(batch(no));
    const step = queue.next();
    assert.ok(step.t === 'publish');
    assert.deepEqual(ids(step.batches), [1, 2]);
    assert.deepEqual(queue.next(), step);
    queue.published(step.batches, 0);
    const next = queue.next();
    assert.ok(next.t === 'publish');
    assert.deepEqual(ids(next.batches), [3]);
    queue.published(next.batches, 0);
    assert.deepEqual(queue.next(), { t: 'nothing' });
    assert.equal(queue.bytes, 0);
  });

  it('gives up for removal what was published, oldest first, and forgets it when it is removed', () => {
    const queue = new RelayQueue(limits);
    for (const [no, atMs] of [
      [1, 10],
      [2, 20],
      [3, 30],
    ] as const) {
      queue.committed(batch(no));
      const step = queue.next();
      assert.ok(step.t === 'publish');
      queue.published(step.batches, atMs);
    }
    assert.deepEqual(queue.removable(5, 10), []);
    assert.deepEqual(queue.removable(20, 10), [1n, 2n]);
    assert.deepEqual(queue.removable(20, 1), [1n]);
    queue.removed([1n, 2n]);
    assert.equal(queue.kept, 1);
  });

  /**
   * Lanes that commit at any time, an outbox whose rows appear in the order of the commits, a relay that does one thing
   * at a time and fails now and then. Each lane's conversation must come in order, and all of it.
   */
  it('I5: whatever overflows and fails, publishes all, each lane in order, none twice', () => {
    const act = fc.oneof(
      { weight: 4, arbitrary: fc.record({ t: fc.constant('commit' as const), lane: fc.nat({ max: 2 }) }) },
      { weight: 1, arbitrary: fc.record({ t: fc.constant('begin' as const), lane: fc.nat({ max: 2 }) }) },
      { weight: 6, arbitrary: fc.constant({ t: 'relay' as const }) },
      {
        weight: 1,
        arbitrary: fc.record({
          t: fc.constant('doubt' as const),
          lane: fc.nat({ max: 2 }),
          landed: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ t: 'fail' as const }) },
      { weight: 1, arbitrary: fc.constant({ t: 'remove' as const }) },
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120, size: 'max' }), (acts) => {
        const queue = new RelayQueue({ queueBytes: 150, publishBytes: 150 });
        const rows = new Map<bigint, RelayBatch>();
        const laneOf = new Map<bigint, number>();
        /** The batch that each lane has in the store's hands. */
        const open = new Map<number, RelayBatch>();
        const published: bigint[] = [];
        let lastId = 0;
        let nowMs = 0;
        const begin = (lane: number): void => {
          if (open.has(lane)) return;
          const first = batch(++lastId);
          laneOf.set(first.batchId, lane);
          open.set(lane, first);
        };
        const commit = (lane: number): void => {
          begin(lane);
          const last = open.get(lane);
          if (last === undefined) return;
          open.delete(lane);
          rows.set(last.batchId, last);
          queue.committed(last);
        };
        /** The answer to a batch is lost for good, whether it has landed or not. */
        const doubt = (lane: number, landed: boolean): void => {
          begin(lane);
          const last = open.get(lane);
          if (last === undefined) return;
          open.delete(lane);
          if (landed) rows.set(last.batchId, last);
          else laneOf.delete(last.batchId);
          queue.uncertain(last.batchId);
        };
        /** What the relay is at: a publish, or the page that it is being given. */
        let under: { readonly step: RelayStep; readonly page: readonly RelayBatch[] } | undefined;
        const begun = (): boolean => {
          const step = queue.next();
          if (step.t === 'nothing') return false;
          const page =
            step.t === 'publish'
              ? []
              : [...rows.values()]
                  .filter(({ batchId }) => batchId > step.after)
                  .sort((a, b) => Number(a.batchId - b.batchId))
                  .slice(0, 2)
                  // From the store, so other objects than those that were told.
                  .map((row) => ({ ...row }));
          under = { step, page };
          return true;
        };
        /** Begins something, or ends what was begun. */
        const relay = (): boolean => {
          if (under === undefined) return begun();
          const { step, page } = under;
          under = undefined;
          if (step.t === 'publish') {
            published.push(...step.batches.map(({ batchId }) => batchId));
            queue.published(step.batches, (nowMs += 1));
          } else if (step.t === 'read') queue.read(step.after, page);
          return true;
        };
        for (const each of acts) {
          if (each.t === 'begin') begin(each.lane);
          else if (each.t === 'commit') commit(each.lane);
          else if (each.t === 'doubt') doubt(each.lane, each.landed);
          else if (each.t === 'relay') relay();
          else if (each.t === 'fail') under = undefined;
          else if (under === undefined) {
            const gone = queue.removable(nowMs, 3);
            for (const id of gone) rows.delete(id);
            queue.removed(gone);
          }
        }
        while (relay());
        assert.equal(new Set(published).size, published.length);
        assert.deepEqual(
          new Set(published),
          new Set(
            [...laneOf.keys()].filter((id) => ![...open.values()].some(({ batchId }) => batchId === id)),
          ),
        );
        for (const lane of [0, 1, 2]) {
          const own = published.filter((id) => laneOf.get(id) === lane);
          assert.deepEqual(
            own,
            [...own].sort((a, b) => Number(a - b)),
          );
        }
        assert.ok(queue.bytes === 0 && !queue.behind);
      }),
      { numRuns: 2_000 },
    );
  });

  it('publishes once what it found in the outbox before it was told of it', () => {
    const queue = new RelayQueue(limits);
    queue.uncertain(9n);
    assert.deepEqual(queue.next(), { t: 'read', after: 0n });
    queue.read(0n, [batch(4)]);
    const step = queue.next();
    assert.ok(step.t === 'publish');
    queue.published(step.batches, 0);
    for (let read = queue.next(); read.t === 'read'; read = queue.next()) queue.read(read.after, []);
    queue.committed(batch(4));
    assert.deepEqual(queue.next(), { t: 'nothing' });
  });

  it('reads from the beginning again where what it had read is let go of', () => {
    const queue = new RelayQueue({ queueBytes: 1_000, publishBytes: 1 });
    const rows = [1, 2, 3, 4].map((no) => batch(no));
    queue.uncertain(9n);
    queue.next();
    queue.read(0n, rows.slice(0, 2));
    const published: number[] = [];
    const publish = (): void => {
      const step = queue.next();
      assert.ok(step.t === 'publish');
      published.push(...ids(step.batches));
      queue.published(step.batches, 0);
    };
    publish();
    // The second one was read, and waits.
    queue.uncertain(9n);
    const step = queue.next();
    assert.deepEqual(step, { t: 'read', after: 0n });
    queue.read(2n, rows.slice(2));
    assert.deepEqual(queue.next(), step, 'a page of the former reading is nothing that comes next');
    queue.read(0n, rows);
    for (let no = 0; no < 3; no += 1) publish();
    assert.deepEqual(published, [1, 2, 3, 4]);
  });

  it('leaves the rows of an incarnation that is over to others', () => {
    const queue = new RelayQueue(limits);
    for (let no = 1; no <= 8; no++) queue.committed(batch(no));
    assert.equal(queue.behind, true);
    queue.forget();
    assert.deepEqual(queue.next(), { t: 'nothing' });
    queue.committed(batch(9));
    const step = queue.next();
    assert.ok(step.t === 'publish');
    assert.deepEqual(ids(step.batches), [9]);
  });
});
