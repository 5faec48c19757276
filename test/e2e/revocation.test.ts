import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { createChatClient } from '../../sdk/client.ts';
import { MemoryStorage } from '../../sdk/storage-memory.ts';
import { WebSocketTransport } from '../../sdk/transport-websocket.ts';
import { Tokens } from '../../services/connection/token.ts';
import { systemClock } from '../../services/core/clock.ts';
import { TestServer } from '../helpers/server.ts';
import { until } from './support/until.ts';

const secret = 's'.repeat(32);
const tokens = new Tokens([secret], systemClock);
const token = async (user: string) => (await tokens.issueUser(user, 600)).token;

async function services(server: TestServer) {
  const bearer = (await tokens.issueService('desk', ['tokens'], 600)).token;
  const headers = { authorization: `Bearer ${bearer}` };
  const baseUrl = `http://127.0.0.1:${server.ports.http}`;
  const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
  const admin = createClient(AdminService, transport);
  return {
    revoke: (userId: string) => admin.revokeTokens({ userId }, { headers }),
  };
}

/** A client of the library, signed in with a token; the same device throughout. */
function client(server: TestServer, bearer: string) {
  const opened = createChatClient({
    transport: new WebSocketTransport({ url: `ws://127.0.0.1:${server.ports.http}/ws` }),
    storage: new MemoryStorage(),
    token: bearer,
  });
  opened.start();
  const come = (state: string) =>
    until(
      () => opened.state.t === state,
      () => JSON.stringify(opened.state),
    );
  return {
    come,
    ended: () => (opened.state.t === 'ended' ? opened.state.reason : ''),
    close: () => opened.close(),
  };
}

describe('a server by itself', () => {
  it('keeps revocations over a restart', async () => {
    await using server = await TestServer.start({ PARLEY_TOKEN_SECRET: secret });
    const bearer = await token('ada');
    await (await services(server)).revoke('ada');
    await server.restart();
    const ada = client(server, bearer);
    await ada.come('ended');
    assert.equal(ada.ended(), 'tokenRevoked');
    await ada.close();
    const bob = client(server, await token('bob'));
    await bob.come('online');
    await bob.close();
  });
});
