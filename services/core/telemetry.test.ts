import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestByTls } from 'node:https';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Authority, steady } from '../../test/helpers/certificates.ts';
import { silentLogger } from './log.ts';
import { Meters } from './meters.ts';
import { Readiness } from './readiness.ts';
import { Telemetry } from './telemetry.ts';

function openFile(): { readonly fd: number } & Disposable {
  const fd = openSync(import.meta.filename, 'r');
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

async function running() {
  const meters = new Meters();
  const readiness = new Readiness();
  const telemetry = new Telemetry({
    config: { host: '127.0.0.1', port: 0 },
    traces: { ratio: 0, endpoint: '', protocol: 'http' },
    node: { id: 'n', roles: [] },
    meters,
    readiness,
    log: silentLogger,
  });
  await telemetry.start();
  const base = `http://127.0.0.1:${telemetry.address.port}`;
  return {
    meters,
    readiness,
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
  using file = openFile();
  // A collection for sure, and the observer hears of it in a later turn.
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  let lines = await server.scrape();
  const isCollected = () => lines.some((line) => line.startsWith('nodejs_gc_seconds_total{kind="major"} '));
  for (let turn = 0; turn < 1_000 && !isCollected(); turn++) lines = await server.scrape();
  assert.ok(isCollected());
  if (process.platform === 'linux') {
    const open = Number(lines.find((line) => line.startsWith('process_open_fds '))?.split(' ')[1]);
    assert.ok(open > file.fd, `${open} files are open, one of them number ${file.fd}`);
    assert.ok(lines.some((line) => /^process_max_fds [1-9]/.test(line)));
  }
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_seconds{quantile="0.99"}',
    'nodejs_eventloop_utilization_ratio',
    'nodejs_memory_bytes{use="heap_used"}',
    'nodejs_heap_limit_bytes',
    'nodejs_gc_pause_seconds_sum',
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

test('a list tells of all metrics, with values or without', () => {
  const meters = new Meters();
  meters.gauge('chat_queue_bytes', 'Waiting.', () => [], 'hop');
  meters.counter('chat_refused_total', 'Refused.', 'reason');
  meters.histogram('chat_latency_seconds', 'Latency.', [1]);
  meters.total('chat_all_total', 'All.', () => 1);
  assert.deepEqual(meters.list(), [
    { name: 'chat_all_total', t: 'counter', doc: 'All.', labels: [] },
    { name: 'chat_latency_seconds', t: 'histogram', doc: 'Latency.', labels: [] },
    { name: 'chat_queue_bytes', t: 'gauge', doc: 'Waiting.', labels: ['hop'] },
    { name: 'chat_refused_total', t: 'counter', doc: 'Refused.', labels: ['reason'] },
  ]);
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

test('stop does not wait for one who connects to TLS and says nothing', { timeout: 20_000 }, async () => {
  await using authority = await Authority.make();
  const telemetry = new Telemetry({
    config: { host: '127.0.0.1', port: 0 },
    traces: { ratio: 0, endpoint: '', protocol: 'http' },
    node: { id: 'n', roles: [] },
    meters: new Meters(),
    readiness: new Readiness(),
    tls: steady(await authority.tls('metrics')),
    handshakeMs: 600_000,
    log: silentLogger,
  });
  await telemetry.start();
  const silent = connect(telemetry.address.port, '127.0.0.1');
  const closed = once(silent, 'close');
  silent.on('error', () => {});
  await once(silent, 'connect');
  await Promise.all([telemetry.stop(), closed]);
});

test('probes: alive from the start, ready from when it is until it drains', async () => {
  await using server = await running();
  const { readiness } = server;
  const probe = async (path: string) => {
    const response = await fetch(`${server.base}${path}`);
    return [response.status, (await response.text()).trim()];
  };
  assert.deepEqual(await probe('/livez'), [200, 'alive']);
  assert.deepEqual(await probe('/readyz'), [503, 'starting']);
  readiness.ready();
  assert.deepEqual(await probe('/readyz'), [200, 'ready']);
  readiness.draining();
  assert.deepEqual(await probe('/readyz'), [503, 'draining']);
  // Whatever becomes ready only now.
  readiness.ready();
  assert.deepEqual(await probe('/readyz'), [503, 'draining']);
  assert.deepEqual(await probe('/livez'), [200, 'alive']);
});

test('by TLS metrics are for those with a certificate of the authority, and so are probes', async () => {
  await using authority = await Authority.make();
  await using another = await Authority.make();
  const [own, known, stranger] = [
    await authority.tls('metrics', { names: 'IP:127.0.0.1' }),
    await authority.tls('prometheus'),
    await another.tls('stranger'),
  ];
  const readiness = new Readiness();
  const telemetry = new Telemetry({
    config: { host: '127.0.0.1', port: 0 },
    traces: { ratio: 0, endpoint: '', protocol: 'http' },
    node: { id: 'n', roles: [] },
    meters: new Meters(),
    readiness,
    tls: steady(own),
    log: silentLogger,
  });
  await telemetry.start();
  const ask = (path: string, shown: { cert?: Buffer; key?: Buffer }) =>
    new Promise<number>((resolve, reject) => {
      const { port } = telemetry.address;
      const asked = requestByTls({ host: '127.0.0.1', port, path, agent: false, ca: own.ca, ...shown });
      asked.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end();
    });
  try {
    const { cert, key } = known;
    assert.equal(await ask('/metrics', { cert, key }), 200);
    assert.equal(await ask('/readyz', { cert, key }), 503);
    readiness.ready();
    assert.equal(await ask('/readyz', { cert, key }), 200);
    assert.equal(await ask('/nothing', { cert, key }), 404);
    await assert.rejects(ask('/metrics', {}));
    await assert.rejects(ask('/metrics', { cert: stranger.cert, key: stranger.key }));
  } finally {
    await telemetry.stop();
  }
});
