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

test('a span is bounded, and has no end before its start', () => {
  const { tracer, spans } = testTracer();
  const span = tracer.start('much', { startedAtMs: 1_700_000_000_999.75 });
  span.set({ 'parley.conv_id': 'x'.repeat(1_000) });
  for (let no = 0; no < 200; no++) span.link(tracer.start('other').context);
  span.end(1_700_000_000_000);
  span.set({ 'parley.seq': 7 });
  span.link(span.context);
  span.fail('notMember');
  const [ended] = spans();
  assert.deepEqual(ended?.attributes, { 'parley.conv_id': 'x'.repeat(256) });
  assert.equal(ended.links.length, 128);
  assert.equal(ended.droppedLinksCount, 72);
  assert.deepEqual([ended.status, ended.duration], [{ code: 0 }, [0, 0]]);
  assert.deepEqual(ended.startTime, [1_700_000_000, 999_750_000]);
  assert.match(ended.spanContext().traceId, /^[0-9a-f]{32}$/);
  assert.match(ended.spanContext().spanId, /^[0-9a-f]{16}$/);
});

test('no two spans have the same id', () => {
  const { tracer } = testTracer();
  const ids = Array.from({ length: 10_000 }, () => tracer.start('one').context);
  assert.equal(new Set(ids.map(({ spanId }) => spanId)).size, ids.length);
  assert.equal(new Set(ids.map(({ traceId }) => traceId)).size, ids.length);
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
