import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConversationKind } from '../gen/parley/chat/v1/entry_pb.ts';
import { Retry } from '../gen/parley/chat/v1/error_pb.ts';
import { createChatClient } from './client.ts';
import { itemOf } from './item.ts';
import { MemoryStorage } from './storage-memory.ts';
import type { FakeLog } from './testing/fake-log.ts';
import { FakeServer } from './testing/fake-server.ts';
import { TurnedClock } from './testing/turned-clock.ts';
import type { ChatClient } from './types.ts';

const users = ['ann', 'bob'] as const;

/** What happens between and to two clients of a group and a direct conversation. */
const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      t: fc.constant('send' as const),
      who: fc.nat({ max: 1 }),
      direct: fc.boolean(),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ t: fc.constant('wait' as const), ms: fc.nat({ max: 3_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constant('refuse' as const),
      count: fc.integer({ min: 1, max: 4 }),
      retry: fc.constantFrom(Retry.HERE, Retry.HERE, Retry.ELSEWHERE),
    }),
  },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('cut' as const) }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('cutAfterCommit' as const) }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('lag' as const), who: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('reload' as const), who: fc.nat({ max: 1 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      t: fc.constant('recall' as const),
      who: fc.nat({ max: 1 }),
      seq: fc.nat({ max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('read' as const), who: fc.nat({ max: 1 }) }) },
);

test('property: through cuts, refusals, lost answers, lag and reloads, all logs end as the server has it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const server = new FakeServer();
      const clock = new TurnedClock();
      server.group('group', users);
      const storages = users.map(() => new MemoryStorage());
      const open = (who: number): ChatClient => {
        const client = createChatClient({
          transport: server.transport(),
          storage: storages[who] as MemoryStorage,
          userId: users[who] as string,
          clock,
        });
        // Somebody looks at both, so that no gap is too wide.
        client.onLog('group', () => undefined);
        client.start();
        return client;
      };
      const clients = users.map((_, who) => open(who));
      const sent = new Map<string, string[]>();
      let direct = '';
      await clock.advance(50);
      direct = await (clients[0] as ChatClient).direct('bob');
      await (clients[1] as ChatClient).direct('ann');
      for (const client of clients) client.onLog(direct, () => undefined);

      for (const step of actions) {
        const client = 'who' in step ? (clients[step.who] as ChatClient) : undefined;
        if (step.t === 'send') {
          const convId = step.direct ? direct : 'group';
          const key = `${users[step.who]} ${convId}`;
          for (let n = 0; n < step.count; n++)
            sent.set(key, [...(sent.get(key) ?? []), client?.send(convId, `${n}`) ?? '']);
          await clock.advance(0);
        } else if (step.t === 'wait') await clock.advance(step.ms);
        else if (step.t === 'refuse')
          for (let n = 0; n < step.count; n++) server.refuseNext({ reason: 'overloaded', retry: step.retry });
        else if (step.t === 'cut') server.cutAll();
        else if (step.t === 'cutAfterCommit') server.cutAfterNextCommit();
        else if (step.t === 'lag')
          for (const session of server.sessionsOf(users[step.who] as string)) session.lagging = true;
        else if (step.t === 'reload') {
          await client?.close();
          clients[step.who] = open(step.who);
          await clock.advance(0);
          await clients[step.who]?.direct(users[1 - step.who] as string);
          clients[step.who]?.onLog(direct, () => undefined);
        } else if (step.t === 'recall') {
          if (server.logs.get('group')?.entries[step.seq]?.sender === users[step.who])
            client?.recall('group', step.seq + 1).catch(() => undefined);
        } else client?.markRead('group', client.log('group').items.at(-1)?.seq ?? 0);
      }

      // The storm is over.
      server.calm();
      await clock.advance(60_000);
      for (const session of server.sessions) server.catchUp(session);
      await clock.advance(60_000);
      for (const log of server.logs.values()) {
        for (const [who, client] of clients.entries())
          await sameLog(client, log, users[who] as string, clock);
        if (log.kind === ConversationKind.UNSPECIFIED) assert.fail('a log without a kind');
        for (const user of users)
          assert.deepEqual(
            log.accepted.filter((one) => one.sender === user).map((one) => one.clientId),
            sent.get(`${user} ${log.convId}`) ?? [],
            'each sent once, in the order of sending',
          );
      }
      for (const client of clients) await client.close();
      assert.equal(clock.timers, 0);
    }),
    { numRuns: 100 },
  );
});

async function sameLog(client: ChatClient, log: FakeLog, user: string, clock: TurnedClock): Promise<void> {
  assert.equal(client.state.t, 'online');
  while (client.log(log.convId).hasOlder)
    await Promise.all([client.loadOlder(log.convId), clock.advance(10)]);
  const held = client.log(log.convId);
  assert.deepEqual(held.pending, []);
  assert.deepEqual(
    held.items.map((item) => ({ ...item, status: undefined })),
    log.entries.map(itemOf),
  );
  const summary = client.conversations.find((one) => one.convId === log.convId);
  assert.equal(summary?.unread, log.unread(user), 'unread as the server counts it');
  assert.equal(log.delivered.get(user) ?? log.headSeq, log.headSeq, 'all was acknowledged');
}
