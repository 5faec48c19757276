import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { emptyResource } from '@opentelemetry/resources';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../services/core/log.ts';
import { SpanExport, spanCounts } from '../../services/core/span-export.ts';
import { Tracer } from '../../services/core/tracer.ts';
import { type CollectedSpan, spansOf } from '../cluster/support/collector.ts';

type Call = ServerUnaryCall<Buffer, Buffer>;

/** A collector of spans by OTLP over gRPC. */
async function collector() {
  const spans: CollectedSpan[] = [];
  const server = new Server();
  const asBytes = { requestStream: false, responseStream: false };
  const through = (bytes: Buffer): Buffer => bytes;
  server.addService(
    {
      export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        ...asBytes,
        requestDeserialize: through,
        requestSerialize: through,
        responseDeserialize: through,
        responseSerialize: through,
      },
    },
    {
      export: (call: Call, reply: sendUnaryData<Buffer>) => {
        spans.push(...spansOf(call.request));
        reply(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    spans,
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => server.forceShutdown(),
  };
}

test('spans are exported by gRPC, too', async () => {
  using sink = await collector();
  const counts = spanCounts();
  const to = new SpanExport({ endpoint: sink.endpoint, protocol: 'grpc' }, counts, silentLogger);
  const tracer = new Tracer({ sink: to.take, resource: emptyResource(), ratio: 1, random: Math.random });
  tracer.start('command send', { attributes: { 'parley.seq': 7 } }).end();
  await to.flush();
  await to.shutdown();
  assert.deepEqual(counts, { exported: 1, failed: 0, dropped: 0, waiting: 0 });
  assert.deepEqual(
    sink.spans.map(({ name, attributes }) => [name, attributes.get('parley.seq')]),
    [['command send', 7]],
  );
});
