import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';
import { createChatClient } from '../../sdk/client.ts';
import { MemoryStorage } from '../../sdk/storage-memory.ts';
import { WebSocketTransport } from '../../sdk/transport-websocket.ts';
import { ownPrefix } from '../../services/adapters/redis/testing/open-directory.ts';
import { RedisServer } from '../../services/adapters/redis/testing/redis-server.ts';
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
  const presence = createClient(PresenceService, transport);
  return {
    revoke: (userId: string) => admin.revokeTokens({ userId }, { headers }),
    async sessions(userId: string): Promise<number> {
      const { users } = await presence.isOnline({ userIds: [userId] }, { headers });
      return users[0]?.sessions ?? -1;
    },
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

describe('servers that share a directory', () => {
  it('know each other’s sessions, and a token revoked at one ends sessions at the other', async () => {
    await using redis = await RedisServer.start();
    const env = {
      PARLEY_REDIS_URL: redis.url,
      PARLEY_REDIS_PREFIX: ownPrefix(),
      PARLEY_TOKEN_SECRET: secret,
    };
    await using here = await TestServer.start(env);
    await using there = await TestServer.start(env);
    const bearer = await token('ada');
    const ada = client(there, bearer);
    await ada.come('online');
    const desk = await services(here);
    let sessions = 0;
    await until(
      async () => {
        sessions = await desk.sessions('ada');
        return sessions === 1;
      },
      () => `${sessions} sessions`,
    );
    await desk.revoke('ada');
    await ada.come('ended');
    assert.equal(ada.ended(), 'tokenRevoked');
    await until(
      async () => (await desk.sessions('ada')) === 0,
      () => 'the session is still there',
    );
    const again = client(here, bearer);
    await again.come('ended');
    assert.equal(again.ended(), 'tokenRevoked');
    await ada.close();
    await again.close();
  });

  it('go on chatting when Redis is gone, and say what they can’t tell', async () => {
    await using redis = await RedisServer.start();
    const env = {
      PARLEY_REDIS_URL: redis.url,
      PARLEY_REDIS_PREFIX: ownPrefix(),
      PARLEY_TOKEN_SECRET: secret,
    };
    await using server = await TestServer.start(env);
    await redis.kill();
    const ada = client(server, await token('ada'));
    await ada.come('online');
    const desk = await services(server);
    await assert.rejects(desk.sessions('ada'), /directory/);
    await assert.rejects(desk.revoke('ada'), /directory/);
    await redis.restart();
    await until(
      () =>
        desk.sessions('ada').then(
          (count) => count === 1,
          () => false,
        ),
      () => 'the session was not announced',
    );
    await desk.revoke('ada');
    await ada.come('ended');
    await ada.close();
  });
});

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
