import assert from 'node:assert/strict';
import { emptyResource } from '@opentelemetry/resources';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ConfigError } from './config.ts';
import { createLogger, silentLogger } from './log.ts';
import { SpanExport, spanCounts } from './span-export.ts';
import { Tracer } from './tracer.ts';

/** A collector that answers with this status, once it is let to. */
async function collector(status: () => number, let_: Promise<void> = Promise.resolve()) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(String(request.url));
    request.resume();
    request.once('end', () => void let_.then(() => response.writeHead(status()).end()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    paths,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function spans(endpoint: string, log = silentLogger) {
  const counts = spanCounts();
  const to = new SpanExport({ endpoint, protocol: 'http' }, counts, log);
  const tracer = new Tracer({ sink: to.take, resource: emptyResource(), ratio: 1, random: Math.random });
  const make = (many: number): void => {
    for (let i = 0; i < many; i++) tracer.start('one').end();
  };
  return { counts, make, to };
}

test('what the collector takes is counted, and what it refuses, and that is told once', async () => {
  let status = 200;
  await using sink = await collector(() => status);
  const actions: unknown[] = [];
  const log = createLogger(
    { level: 'info', format: 'json' },
    { write: (line) => void actions.push((JSON.parse(line) as Record<string, unknown>)['event.action']) },
  );
  const { counts, make, to } = spans(sink.endpoint, log);
  make(3);
  await to.flush();
  assert.deepEqual(counts, { exported: 3, failed: 0, dropped: 0, waiting: 0 });
  assert.deepEqual(sink.paths, ['/v1/traces']);
  // No status to try again for.
  status = 400;
  for (const many of [2, 1]) {
    make(many);
    await to.flush().catch(() => {});
  }
  assert.deepEqual(counts, { exported: 3, failed: 3, dropped: 0, waiting: 0 });
  status = 200;
  make(1);
  await to.flush();
  assert.deepEqual(actions, ['span-export-failed', 'span-export-resumed']);
  await to.shutdown();
});

test('spans for which there is no room are dropped, and counted', async () => {
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
  await using sink = await collector(() => 200, answers);
  const { counts, make, to } = spans(sink.endpoint);
  make(10_000);
  assert.equal(counts.dropped, 10_000 - 8_192);
  assert.equal(counts.waiting, 8_192);
  answer();
  await to.flush();
  assert.deepEqual(counts, { exported: 8_192, failed: 0, dropped: 10_000 - 8_192, waiting: 0 });
  await to.shutdown();
});

test('an endpoint that is none stops the start', () => {
  for (const endpoint of ['collector:4318', 'not a URL', 'ftp://collector'])
    assert.throws(
      () => new SpanExport({ endpoint, protocol: 'http' }, spanCounts(), silentLogger),
      ConfigError,
    );
});
