import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteQueue } from './queue.ts';

test('push says what happened', () => {
  const queue = new ByteQueue<string>(10);
  assert.equal(queue.push('a', 6), 'queued');
  assert.equal(queue.push('b', 5), 'full');
  assert.equal(queue.push('c', 4), 'queued');
  assert.equal(queue.push('d', 1), 'full');
  assert.equal(queue.shift(), 'a');
  assert.equal(queue.push('d', 6), 'queued');
  queue.close();
  assert.equal(queue.push('e', 0), 'closed');
  assert.deepEqual(queue.drain(), ['c', 'd']);
  assert.equal(queue.bytes, 0);
  assert.equal(queue.shift(), undefined);
});

test('whatever happens: first in, first out, and bytes are those that wait', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ t: fc.constant('push' as const), bytes: fc.nat(40) }) },
    { weight: 3, arbitrary: fc.constant({ t: 'shift' as const }) },
    { weight: 1, arbitrary: fc.constant({ t: 'drain' as const }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600, size: 'max' }), (steps) => {
      const queue = new ByteQueue<{ bytes: number }>(2_000);
      let model: { bytes: number }[] = [];
      for (const each of steps) {
        const waiting = model.reduce((sum, frame) => sum + frame.bytes, 0);
        if (each.t === 'push') {
          const frame = { bytes: each.bytes };
          const fits = waiting + frame.bytes <= queue.limitBytes;
          assert.equal(queue.push(frame, frame.bytes), fits ? 'queued' : 'full');
          if (fits) model.push(frame);
        } else if (each.t === 'shift') {
          assert.equal(queue.shift(), model.shift());
        } else {
          assert.deepEqual(queue.drain(), model);
          model = [];
        }
        assert.equal(queue.length, model.length);
      }
      assert.equal(
        queue.bytes,
        model.reduce((sum, frame) => sum + frame.bytes, 0),
      );
    }),
  );
});
