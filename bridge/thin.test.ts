import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { WebSocket } from 'ws';
import { ConnectRequestSchema, ConnectResponseSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { IdService, AllocateIdsResponseSchema } from '../gen/parley/chat/v1/id_pb.ts';
import { createUnaryTransport } from '../services/connect/unary-transport.ts';
import { Bridge } from './bridge.ts';
import { bridgeDefaults } from './options.ts';
import { FakeHost } from './testing/fake-host.ts';
import { Fault } from '../services/core/fault.ts';

test('thin path', async () => {
  const host = new FakeHost();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const bridge = new Bridge({
    config: { ...bridgeDefaults, development: true, httpPort: 0, wsPort: 0, hosts: ['127.0.0.1', '::1'] },
    log,
    sessions: host,
    rpc: createUnaryTransport(host),
  });
  await bridge.start();
  for (const url of [
    `ws://127.0.0.1:${bridge.httpPort}/ws?token=x`,
    `ws://localhost:${bridge.wsPort}/any?token=x`,
  ]) {
    const ws = new WebSocket(url, ['parley.v1.proto']);
    await once(ws, 'open');
    const open = await host.next('open');
    const hello = await host.next('data', open.session);
    assert.equal(fromBinary(ConnectRequestSchema, hello.frame).commands[0]?.command.case, 'hello');
    ws.send(
      toBinary(
        ConnectRequestSchema,
        create(ConnectRequestSchema, { commands: [{ id: 7, command: { case: 'ping', value: {} } }] }),
      ),
    );
    const data = await host.next('data', open.session);
    assert.equal(fromBinary(ConnectRequestSchema, data.frame).commands[0]?.id, 7);
    const got = once(ws, 'message');
    const frame = toBinary(
      ConnectResponseSchema,
      create(ConnectResponseSchema, { events: [{ replyTo: 7, event: { case: 'pong', value: {} } }] }),
    );
    host.outlet.deliver([open.session], frame);
    assert.deepEqual(new Uint8Array((await got)[0]), frame);
    ws.close();
    await host.next('closed', open.session);
  }
  host.answer = (rpc, request, context) => {
    if ((request as { count: number }).count === 2) throw new Fault('scopeMissing');
    return create(AllocateIdsResponseSchema, {
      ids: [1n, BigInt(rpc.length), BigInt(context.user === 'ann' ? 1 : 0)],
    });
  };
  for (const transport of [
    createConnectTransport({ httpVersion: '1.1', baseUrl: `http://127.0.0.1:${bridge.httpPort}` }),
    createConnectTransport({ httpVersion: '2', baseUrl: `http://127.0.0.1:${bridge.httpPort}` }),
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${bridge.httpPort}` }),
  ]) {
    const client = createClient(IdService, transport);
    const answer = await client.allocateIds({ count: 1 }, { headers: { 'parley-user': 'ann' } });
    assert.deepEqual(answer.ids, [1n, 36n, 1n]);
    await assert.rejects(client.allocateIds({ count: 2 }), /permission_denied/);
  }
  const page = await fetch(`http://127.0.0.1:${bridge.httpPort}/`);
  assert.equal(page.status, 503);
  await bridge.stop();
});
