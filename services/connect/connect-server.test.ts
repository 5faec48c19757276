import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { AllocateIdsResponseSchema, IdService } from '../../gen/parley/chat/v1/id_pb.ts';
import type { CallContext, SessionHost, UnaryHost } from '../core/door.ts';
import { silentLogger } from '../core/log.ts';
import { ConnectServer, type ConnectServerInit } from './connect-server.ts';

/** The preface and empty settings. */
const begins = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const clusterToken = 'c'.repeat(32);
const nobody: SessionHost = {
  attach: () => {
    throw new Error('no bridge was expected');
  },
};

async function server(init: Partial<ConnectServerInit> = {}) {
  const contexts: CallContext[] = [];
  const unary: UnaryHost = {
    async call(_rpc, _request, context) {
      contexts.push(context);
      return create(AllocateIdsResponseSchema, { ids: [1n] });
    },
  };
  const started = new ConnectServer({
    config: { host: '127.0.0.1', port: 0, clusterToken },
    mode: 'production',
    nodeId: 'n',
    log: silentLogger,
    sessions: nobody,
    unary,
    ...init,
  });
  await started.start();
  const url = `http://127.0.0.1:${started.port}`;
  return { url, port: started.port, contexts, [Symbol.asyncDispose]: () => started.stop() };
}

test('internal services call for themselves, bridges for their clients', async () => {
  await using node = await server();
  for (const transport of [
    createConnectTransport({ httpVersion: '2', baseUrl: node.url }),
    createGrpcTransport({ baseUrl: node.url }),
  ]) {
    const client = createClient(IdService, transport);
    const named = { authorization: 'Bearer jwt', 'parley-remote-address': '10.1.1.1' };
    await client.allocateIds({}, { headers: named });
    await client.allocateIds({}, { headers: { ...named, 'parley-cluster-token': 'x'.repeat(32) } });
    await client.allocateIds({}, { headers: { ...named, 'parley-cluster-token': clusterToken } });
    assert.deepEqual(
      node.contexts.splice(0).map(({ bearer, remoteAddress }) => [bearer, remoteAddress]),
      [
        ['jwt', '127.0.0.1'],
        ['jwt', '127.0.0.1'],
        ['jwt', '10.1.1.1'],
      ],
    );
  }
});

test('who answers pings stays however quiet, who does not is cut off', async () => {
  await using node = await server({ pingMs: 10 });
  const quiet = connectHttp2(node.url);
  for (let pings = 0; pings < 5; pings += 1) await once(quiet, 'ping');
  assert.equal(quiet.closed, false);
  const dead = connect(node.port, '127.0.0.1');
  dead.write(begins);
  dead.resume();
  await once(dead, 'close');
  assert.equal(quiet.destroyed, false);
  quiet.destroy();
});

test('who says goodbye and stays is cut off, and nobody else with him', async () => {
  await using node = await server({ pingMs: 10 });
  const quiet = connectHttp2(node.url);
  const stays = connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true });
  const goodbye = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  stays.write(Buffer.concat([begins, goodbye]));
  stays.on('error', () => {});
  stays.resume();
  await once(stays, 'end');
  // What comes for a connection that is gone is refused.
  const timer = setInterval(() => stays.write(goodbye), 10);
  await new Promise((resolve) => stays.once('close', resolve));
  clearInterval(timer);
  for (let pings = 0; pings < 3; pings += 1) await once(quiet, 'ping');
  quiet.destroy();
});

test('production does not open the port without a secret', async () => {
  const config = { host: '127.0.0.1', port: 0, clusterToken: '' };
  await assert.rejects(server({ config }), /PARLEY_CLUSTER_TOKEN/);
  await assert.rejects(
    server({ config: { ...config, clusterToken: 'short' }, mode: 'development' }),
    /PARLEY_CLUSTER_TOKEN/,
  );
  await assert.rejects(
    server({ config: { ...config, host: '0.0.0.0' }, mode: 'development' }),
    /PARLEY_NODE_HOST/,
  );
  await using open = await server({ config, mode: 'development' });
  assert.ok(open.port > 0);
});
