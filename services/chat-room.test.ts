import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textContent } from '../sdk/testing/fake-log.ts';
import { World } from '../sdk/testing/world.ts';
import { ChatRoom } from './chat-room.ts';

/** A room of ann's, what it has printed, and a group that bob has written in. */
async function enter(world: World, said: number) {
  const log = world.server.group('garden', ['ann', 'bob']);
  const client = await world.client('ann');
  const lines: string[] = [];
  const room = new ChatRoom({ client, screen: { print: (text) => lines.push(text), prompt: '' } });
  world.server.unary = () => ({ group: { groupId: 'garden', name: 'garden' } });
  await room.joinGroup('garden');
  const hear = (text: string) => world.server.publish(log, log.append('bob', '', textContent(text)));
  for (let no = 1; no <= said; no += 1) hear(`${no}`);
  await world.clock.advance(100);
  const messages = () => lines.flatMap((line) => /^\d\d:\d\d (\w+: .*)$/u.exec(line)?.[1] ?? []);
  return { log, room, lines, hear, messages };
}

describe('a room whose server was restored', () => {
  for (const [what, epoch, said] of [
    ['and has less than was printed', 'epoch-2', 0],
    ['and has gone on since', 'epoch-2', 25],
    ['without telling, and has gone on since', 'epoch-1', 25],
  ] as const)
    test(`${what}: prints the end of what it has, and what comes then`, async () => {
      await using world = new World();
      const { log, room, lines, hear, messages } = await enter(world, 50);
      assert.equal(messages().length, 50);
      world.server.cutAll();
      world.server.epoch = epoch;
      log.truncate(31);
      for (let no = 1; no <= said; no += 1) log.append('bob', '', textContent(`other ${no}`));
      const before = messages().length;
      await world.clock.advance(30_000);
      hear('news');
      await room.take('mine');
      await world.clock.advance(1_000);
      const end = said > 0 ? 'bob: other 25' : 'bob: 30';
      assert.deepEqual(messages().slice(-3), [end, 'bob: news', 'you: mine']);
      assert.equal(messages().length - before, 22, 'the last 20 of its log, and two new ones');
      assert.equal(lines.filter((line) => /restored to an earlier state/u.test(line)).length, 1);
      assert.equal(log.read.get('ann'), log.headSeq);
      room.close();
    });
});

test('what is refused is told of wherever one has gone since, and does not wait for ever', async () => {
  await using world = new World();
  const { log, room, lines } = await enter(world, 0);
  log.members.delete('ann');
  await room.take('lost');
  await room.talkTo('cyd');
  await world.clock.advance(1_000);
  assert.ok(lines.includes('! not sent: you are not a member: lost'), lines.join('\n'));
  assert.deepEqual([room.unsent, room.refused], [0, 1]);
  room.close();
});
