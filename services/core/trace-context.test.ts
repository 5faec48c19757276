import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampledParent, traceBytes, traceOf, traceparentOf } from './trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('a sampled traceparent is taken, also of a later version', () => {
  const context = { traceId, spanId };
  assert.deepEqual(sampledParent(`00-${traceId}-${spanId}-01`), context);
  assert.deepEqual(sampledParent(`00-${traceId}-${spanId}-03`), context);
  assert.deepEqual(sampledParent(`01-${traceId}-${spanId}-01-what is still to come`), context);
  assert.deepEqual(sampledParent(traceparentOf(context)), context);
});

test('whatever else is none', () => {
  for (const text of [
    undefined,
    '',
    `00-${traceId}-${spanId}-00`,
    `00-${traceId}-${spanId}-02`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-011`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}`,
    ` 00-${traceId}-${spanId}-01`,
    'x'.repeat(1_000_000),
  ])
    assert.equal(sampledParent(text), undefined, text?.slice(0, 80));
});

test('it travels in 24 bytes, which may be a view of others', () => {
  const context = { traceId, spanId };
  const encoded = traceBytes(context);
  assert.equal(encoded.byteLength, 24);
  const within = Buffer.concat([Buffer.from('before'), encoded, Buffer.from('after')]);
  assert.deepEqual(traceOf(within.subarray(6, 30)), context);
  for (const odd of [new Uint8Array(0), encoded.subarray(1), within]) assert.equal(traceOf(odd), undefined);
});
