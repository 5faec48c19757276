import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeliveryTracker } from './delivery-tracker.ts';

const take = (tracker: DeliveryTracker) => tracker.take(256).map(({ convId, seq }) => `${convId}${seq}`);

test('while flushing counts, everything noted is due, once', () => {
  const tracker = new DeliveryTracker();
  tracker.note('g', 1, 101n);
  tracker.note('g', 2, undefined);
  tracker.note('h', 7, 107n);
  assert.deepEqual(take(tracker), ['g2', 'h7']);
  assert.deepEqual(take(tracker), []);
  tracker.note('g', 2, undefined);
  assert.deepEqual(take(tracker), ['g2'], 'what is delivered again is acknowledged again');
});

test('messages wait for the ack of the client, what lies between goes along', () => {
  const tracker = new DeliveryTracker();
  tracker.note('g', 1, 101n);
  assert.equal(tracker.acknowledge(99n), false);
  assert.deepEqual(take(tracker), ['g1'], 'what was flushed before still counts');
  for (const seq of [2, 4, 6]) tracker.note('g', seq, BigInt(100 + seq));
  for (const seq of [3, 5, 7]) tracker.note('g', seq, undefined);
  assert.deepEqual(take(tracker), ['g1']);
  assert.equal(tracker.acknowledge(104n), true);
  assert.deepEqual(take(tracker), ['g5']);
  assert.equal(tracker.owed, 1);
  assert.equal(tracker.acknowledge(102n), false, 'acknowledged along with 104');
  assert.equal(tracker.acknowledge(106n), true);
  assert.deepEqual(take(tracker), ['g7']);
});

test('never acknowledges a message that the client has not, nor forgets one that it has', () => {
  const step = fc.oneof(
    fc.record({ t: fc.constant('shown' as const) }),
    fc.record({ t: fc.constant('hidden' as const) }),
    fc.record({ t: fc.constant('again' as const), back: fc.nat(5) }),
    fc.record({ t: fc.constant('ack' as const), back: fc.nat(5) }),
    fc.record({ t: fc.constant('take' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tracker = new DeliveryTracker();
      tracker.acknowledge(1n);
      const shown: number[] = [];
      let head = 0;
      let acked = 0;
      let told = 0;
      const collect = () => {
        for (const { seq } of tracker.take(256)) told = Math.max(told, seq);
      };
      for (const { t, ...rest } of steps) {
        const back = 'back' in rest ? rest.back : 0;
        if (t === 'shown' || t === 'hidden') {
          head += 1;
          if (t === 'shown') shown.push(head);
          tracker.note('g', head, t === 'shown' ? BigInt(1000 + head) : undefined);
        } else if (t === 'take') {
          collect();
        } else {
          const seq = shown.at(-1 - back);
          if (seq === undefined) continue;
          if (t === 'ack') {
            tracker.acknowledge(BigInt(1000 + seq));
            acked = Math.max(acked, seq);
          } else if (seq > acked) {
            tracker.note('g', seq, BigInt(1000 + seq));
          }
        }
        const firstOwed = shown.find((seq) => seq > acked) ?? head + 1;
        assert.ok(told < firstOwed, `told ${told}, owed ${firstOwed}`);
      }
      collect();
      assert.equal(told, (shown.find((seq) => seq > acked) ?? head + 1) - 1);
    }),
  );
});
