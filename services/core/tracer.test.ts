import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testTracer } from './testing/test-tracer.ts';
import { traceNowMs } from './trace-clock.ts';

test('a span follows from its parent, is linked with others, and ends once', () => {
  const { tracer, spans } = testTracer();
  const root = tracer.start('root', { kind: 'server' });
  const other = tracer.start('other');
  const child = tracer.start('child', {
    parent: root.context,
    links: [other.context],
    startedAtMs: 1_700_000_000_123.5,
  });
  child.set({ 'parley.seq': 7, 'parley.conv_id': undefined });
  child.link(root.context);
  child.fail('notMember');
  child.end(1_700_000_000_125);
  child.end();
  const [ended, ...more] = spans();
  assert.equal(more.length, 0);
  assert.equal(ended?.parentSpanContext?.spanId, root.context.spanId);
  assert.equal(ended?.spanContext().traceId, root.context.traceId);
  assert.notEqual(other.context.traceId, root.context.traceId);
  assert.deepEqual(
    ended?.links.map(({ context }) => context.spanId),
    [other.context.spanId, root.context.spanId],
  );
  assert.deepEqual(ended?.attributes, { 'parley.seq': 7, 'error.type': 'notMember' });
  assert.deepEqual(ended?.duration, [0, 1_500_000]);
  assert.deepEqual(ended?.status, { code: 2 });
});

test('the clock of spans is the wall’s, and finer', () => {
  const wallMs = Date.now();
  const readings = Array.from({ length: 1_000 }, traceNowMs);
  assert.ok(Math.abs((readings[0] as number) - wallMs) < 5_000);
  assert.deepEqual(
    readings,
    readings.toSorted((one, two) => one - two),
  );
  assert.ok(readings.some((ms) => !Number.isInteger(ms)));
});
