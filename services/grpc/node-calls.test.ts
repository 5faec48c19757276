import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import { linkVersion } from '../peer/hello.ts';
import { NodeDialer } from './node-calls.ts';

/** A node that takes connections and says nothing. */
async function silentNode() {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    connections.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    connections,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
}

describe('calls of other nodes', () => {
  it('begin anew where one was not answered; one of before that fails later hangs up nothing of that', async () => {
    await using node = await silentNode();
    using dialer = new NodeDialer({
      tls: undefined,
      hello: () => ({ version: linkVersion, nodeId: 'n', incarnation: 1, clusterToken: '', storeEpoch: '' }),
    });
    const fails = (timeoutMs: number) =>
      assert.rejects(dialer.at(node.address, 'other').call(NodeService.method.inspectNode, {}, timeoutMs), {
        reason: 'upstreamUnavailable',
      });
    const first = fails(100);
    const slower = fails(1_000);
    await first;
    const anew = fails(4_000);
    await slower;
    await fails(500);
    assert.equal(node.connections.length, 2);
    await anew;
  });
});
