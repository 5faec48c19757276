import assert from 'node:assert/strict';
import { request } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import { silentLogger } from './log.ts';
import { Meters } from './meters.ts';
import { Telemetry } from './telemetry.ts';

async function running() {
  const meters = new Meters();
  const telemetry = new Telemetry({ config: { host: '127.0.0.1', port: 0 }, meters, log: silentLogger });
  await telemetry.start();
  const base = `http://127.0.0.1:${telemetry.address.port}`;
  return {
    meters,
    base,
    scrape: async () => {
      const response = await fetch(`${base}/metrics`);
      assert.equal(response.status, 200);
      return (await response.text()).split('\n');
    },
    [Symbol.asyncDispose]: () => telemetry.stop(),
  };
}

test('counters, gauges and histograms are scraped in Prometheus format', async () => {
  await using server = await running();
  const sent = server.meters.counter('chat_messages_processed_total', 'Messages.', 'type');
  sent.add(2, 'send');
  sent.add(1, 'recall');
  sent.add(3, 'send');
  server.meters.counter('chat_fence_lost_total', 'Lost.').add(7);
  server.meters.gauge('chat_connections_active', 'Sessions.', () => [[{ transport: 'grpc' }, 4]]);
  server.meters.gauge('chat_connections_active', 'Sessions.', () => [[{ transport: 'ws-json' }, 5]]);
  const latency = server.meters.histogram('chat_send_latency_seconds', 'Latency.', [0.01, 0.1, 1]);
  for (const seconds of [0.005, 0.01, 0.05, 3]) latency.record(seconds);
  const lines = await server.scrape();
  for (const expected of [
    '# HELP chat_messages_processed_total Messages.',
    '# TYPE chat_messages_processed_total counter',
    'chat_messages_processed_total{type="send"} 5',
    'chat_messages_processed_total{type="recall"} 1',
    'chat_fence_lost_total 7',
    '# TYPE chat_connections_active gauge',
    'chat_connections_active{transport="grpc"} 4',
    'chat_connections_active{transport="ws-json"} 5',
    '# TYPE chat_send_latency_seconds histogram',
    'chat_send_latency_seconds_bucket{le="0.01"} 2',
    'chat_send_latency_seconds_bucket{le="0.1"} 3',
    'chat_send_latency_seconds_bucket{le="1"} 3',
    'chat_send_latency_seconds_bucket{le="+Inf"} 4',
    'chat_send_latency_seconds_count 4',
    'chat_send_latency_seconds_sum 3.065',
  ]) {
    assert.ok(lines.includes(expected), `${expected}\nin\n${lines.join('\n')}`);
  }
});

test('the process shows itself', async () => {
  await using server = await running();
  const lines = await server.scrape();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_seconds{quantile="0.99"}',
    'nodejs_eventloop_utilization_ratio',
    'nodejs_memory_bytes{use="heap_used"}',
  ]) {
    const line = lines.find((each) => each.startsWith(`${name} `));
    assert.ok(line !== undefined && Number.isFinite(Number(line.slice(name.length))), name);
  }
});

test('a gauge that fails costs only itself', async () => {
  await using server = await running();
  server.meters.gauge('chat_broken', 'Broken.', () => {
    throw new Error('gone');
  });
  server.meters.gauge('chat_whole', 'Whole.', () => 1);
  assert.ok((await server.scrape()).includes('chat_whole 1'));
});

test('a label has a bounded number of values', async () => {
  const meters = new Meters();
  const counter = meters.counter('chat_many_total', 'Many.', 'kind');
  for (let i = 0; i < 1_000; i++) counter.add(1, `kind-${i}`);
  const values = counter.read();
  assert.equal(values.length, 101);
  assert.deepEqual(values.at(-1), [{ kind: 'other' }, 900]);
});

test('a name is one kind of metric', () => {
  const meters = new Meters();
  assert.equal(meters.counter('chat_x_total', 'X.'), meters.counter('chat_x_total', 'X.'));
  assert.throws(() => meters.gauge('chat_x_total', 'X.', () => 1), /is a counter already/);
});

test('only GET /metrics is answered, and stop does not wait for idle connections', async () => {
  const server = await running();
  assert.equal((await fetch(`${server.base}/`)).status, 404);
  assert.equal((await fetch(`${server.base}/metrics`, { method: 'POST' })).status, 404);
  const idle = request(`${server.base}/metrics`);
  idle.on('error', () => {});
  idle.flushHeaders();
  await once(idle, 'socket');
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
