import assert from 'node:assert/strict';
import { another, group, type Interleaving, log, meters, texts, twoOwners } from './interleaving.ts';
import { MessageProcess } from './message-process.ts';

export const interleavings: readonly Interleaving[] = [
  {
    name: 'two-owners',
    invariant: 'I2, I4',
    what: 'two owners for a minute: one log, and both are fenced now and then',
    mutants: ['loser-forwards'],
    play: async (world) => {
      await twoOwners(world, 60_000);
      for (let second = 0; second < 60; second += 1) {
        for (const client of world.clients) client.say(group);
        if (second % 7 === 0) for (const client of world.clients) client.reconnect();
        await world.scheduler.run(1_000);
      }
    },
    happened: (world) => {
      assert.equal(texts(world), 180);
      assert.ok((meters(world, 'm1')?.fenceLost ?? 0) + (meters(world, 'm2')?.fenceLost ?? 0) > 5);
    },
  },
  {
    name: 'stale-rules',
    invariant: 'I4',
    what: 'an owner whose head is fresh has the rules that belong to it',
    mutants: ['loser-keeps-rules'],
    play: async (world) => {
      await twoOwners(world, 20_000);
      for (let round = 0; round < 12; round += 1) {
        world.admin.kick('ada', group.convId, 'bob');
        await world.scheduler.run(300);
        // The others have both owners read the head again; then the one that was removed writes to either.
        for (const client of world.clients) if (client.user !== 'bob') client.say(group);
        await world.scheduler.run(60);
        for (const client of world.clients) if (client.user === 'bob') client.say(group);
        await world.scheduler.run(300);
        world.admin.add('ada', group.convId, ['bob']);
        for (const client of world.clients) client.reconnect();
        await world.scheduler.run(700);
      }
    },
    happened: (world) => {
      assert.ok(log(world).filter(({ kind }) => kind === 'memberRemoved').length > 5);
    },
  },
  {
    name: 'lost-to-a-kick',
    invariant: 'I4',
    what: 'what lost to a kick is checked again, with the head and the rules that are fresh',
    mutants: ['loser-not-checked'],
    play: async (world) => {
      await twoOwners(world, 20_000);
      for (let round = 0; round < 12; round += 1) {
        for (const client of world.clients) client.say(group);
        world.admin.kick('ada', group.convId, 'bob');
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(300);
        world.admin.add('ada', group.convId, ['bob']);
        for (const client of world.clients) client.reconnect();
        await world.scheduler.run(700);
      }
    },
    happened: (world) => {
      assert.ok(log(world).filter(({ kind }) => kind === 'memberRemoved').length > 5);
    },
  },
  {
    name: 'duplicate',
    invariant: 'I3',
    what: 'a duplicate goes to both owners, and has one answer',
    mutants: ['loser-forwards'],
    play: async (world) => {
      await twoOwners(world, 20_000);
      for (let round = 0; round < 20; round += 1) {
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(60);
        for (const client of world.clients) client.reconnect();
        await world.scheduler.run(400);
        for (const client of world.clients) client.repeat();
      }
    },
    happened: (world) => {
      assert.equal(texts(world), 60);
    },
  },
  {
    name: 'late-commit',
    invariant: 'I1, I4',
    what: 'a commit lands after the successor has read the tail',
    mutants: ['duplicates-forgotten', 'nobody-adopts'],
    play: async (world) => {
      world.start('m2');
      await world.scheduler.run(4_000);
      const [ada, bob, cyd] = world.clients;
      // It is on its way to the database when its writer dies; whose send it is does not ask again meanwhile.
      world.weather.heldCommitMs = 2_600;
      ada?.say(group);
      for (let ms = 0; world.weather.heldCommitMs > 0 && ms < 100; ms += 1) await world.scheduler.run(1);
      assert.equal(world.weather.heldCommitMs, 0, 'it was sent');
      if (ada !== undefined) ada.actor.frozenUntilMs = world.scheduler.nowMs + 4_000;
      world.process('m2')?.kill();
      await world.scheduler.run(2_100);
      // The next owner reads the tail.
      for (const client of [bob, cyd]) client?.reconnect();
      await world.scheduler.run(510);
      bob?.say(group);
      await world.scheduler.run(20);
      cyd?.say(group);
      await world.scheduler.run(3_000);
    },
    happened: (world) => {
      assert.equal(texts(world), 3);
    },
  },
  {
    name: 'edge-unseen',
    invariant: 'I5',
    what: 'an owner goes on without one edge, which catches up',
    mutants: ['no-replay'],
    play: async (world) => {
      world.directory.stick('e2', 9_000);
      world.start('m2');
      await world.scheduler.run(3_000);
      // Those behind the other edge say nothing: nothing comes after what they have missed.
      const heard = world.clients.filter(({ connection }) => connection?.node === 'e1');
      assert.ok(heard.length > 0 && heard.length < world.clients.length);
      for (let round = 0; round < 10; round += 1) {
        for (const client of heard) client.say(group);
        await world.scheduler.run(500);
      }
      await world.scheduler.run(2_000);
    },
    happened: (world) => {
      assert.ok(texts(world) >= 10);
    },
  },
  {
    name: 'edge-long-unseen',
    invariant: 'I5',
    what: 'an owner goes on without one edge for longer than it remembers what that misses',
    mutants: ['forgotten-unsaid'],
    play: async (world) => {
      world.directory.stick('e2', 60_000);
      world.start('m2');
      await world.scheduler.run(3_000);
      const heard = world.clients.filter(({ connection }) => connection?.node === 'e1');
      const [client] = heard;
      assert.ok(client !== undefined && heard.length < world.clients.length);
      client.say(group);
      // The owner goes on in another conversation, of which nobody else hears, and nothing comes after that in this one.
      world.admin.create(client.user, another.convId, [], 'all');
      for (let no = 0; no < 50; no += 1) {
        await world.scheduler.run(1_000);
        client.say(another);
      }
      await world.scheduler.run(10_000);
    },
    happened: (world) => {
      assert.equal(texts(world), 1);
    },
  },
  {
    name: 'unread-replay',
    invariant: 'I5',
    what: 'a link comes again while the store can not be read, and nothing comes after what was missed',
    mutants: ['no-replay', 'replay-once'],
    play: async (world) => {
      const edge = world.process('e2');
      const heard = world.clients.filter(({ connection }) => connection?.node === 'e1');
      assert.ok(edge !== undefined && heard.length > 0 && heard.length < world.clients.length);
      world.network.cut('e2');
      // It comes again when what is known of the conversation has to be confirmed first.
      edge.actor.frozenUntilMs = world.scheduler.nowMs + 2_000;
      for (const client of heard) client.say(group);
      await world.scheduler.run(1_900);
      world.weather.unreadable = true;
      await world.scheduler.run(1_500);
      const owner = world.process('m1');
      assert.ok(owner instanceof MessageProcess && owner.node?.edges === 2, 'the link is there again');
      world.weather.unreadable = false;
    },
    happened: (world) => {
      assert.ok(texts(world) > 0);
    },
  },
  {
    name: 'named-in-parts',
    invariant: 'I5',
    what: 'an entry is committed while an edge is naming its sessions, and nothing comes after it',
    mutants: ['told-too-early'],
    messageBytes: 1,
    play: async (world) => {
      const on = (edge: string) => world.clients.filter(({ connection }) => connection?.node === edge);
      const users = () => new Set(on('e2').map(({ user }) => user)).size;
      for (let no = 0; on('e1').length === 0 || users() < 2; no += 1) {
        world.addClient(['ada', 'bob', 'cyd'][no % 3] as string, `more-${no}`);
        await world.scheduler.run(300);
      }
      // What was committed in this one before is so long ago that nobody remembers it.
      const [heard] = on('e1');
      world.admin.create(heard?.user ?? '', another.convId, [], 'all');
      await world.scheduler.run(35_000);
      heard?.say(another);
      await world.scheduler.run(5_000);
      world.network.cut('e2');
      const named = new Set<unknown>();
      const like = (frame: object) =>
        't' in frame && frame.t === 'sessionUp' && 'userId' in frame && named.add(frame.userId).size === 2;
      world.network.awaited = { like, ms: 500 };
      while (world.network.awaited !== undefined) await world.scheduler.run(1);
      // All but those of one user are still on their way.
      heard?.say(group);
      await world.scheduler.run(3_000);
    },
    happened: (world) => {
      assert.equal(texts(world), 1);
    },
  },
  {
    name: 'audiences-of-two',
    invariant: 'I5',
    what: 'a former owner lets go after the next one has told who hears',
    mutants: ['former-dismisses'],
    play: async (world) => {
      for (let round = 0; round < 3; round += 1) for (const client of world.clients) client.say(group);
      await world.scheduler.run(200);
      world.directory.stick('m1', 3_000);
      world.start('m2');
      await world.scheduler.run(2_500);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(3_000);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(500);
    },
    happened: (world) => {
      assert.equal(texts(world), 15);
    },
  },
  {
    name: 'route-change',
    invariant: 'I2',
    what: 'the route changes while sends are unanswered, and the order stays',
    mutants: ['route-passes'],
    play: async (world) => {
      world.start('m2');
      await world.scheduler.run(4_000);
      const owner = world.process('m2');
      assert.ok(owner instanceof MessageProcess);
      for (const client of world.clients) for (let no = 0; no < 3; no += 1) client.say(group);
      await world.scheduler.run(0.5);
      // It stands still with all of them, is given up, and comes back.
      owner.actor.frozenUntilMs = world.scheduler.nowMs + 4_000;
      world.directory.frozen(owner.actor, 4_000);
      for (let no = 0; no < 10; no += 1) {
        await world.scheduler.run(500);
        for (const client of world.clients) client.say(group);
      }
    },
    happened: (world) => {
      assert.equal(texts(world), 39);
    },
  },
  {
    name: 'dead-outbox',
    invariant: 'I5',
    what: 'what a dead node left in the outbox reaches everybody, and the event log',
    mutants: ['nobody-adopts'],
    play: async (world) => {
      world.start('m2');
      await world.scheduler.run(4_000);
      for (const client of world.clients) client.say(group);
      await world.scheduler.run(300);
      // It is in the database's hands when its writer dies, and lands when the next one has looked for the last time.
      world.database.frozenUntilMs = world.scheduler.nowMs + 300;
      world.clients[1]?.say(group);
      await world.scheduler.run(20);
      world.process('m2')?.kill();
      // Whose send it is does not ask again meanwhile.
      const sender = world.clients[1]?.actor;
      if (sender !== undefined) sender.frozenUntilMs = world.scheduler.nowMs + 9_000;
      await world.scheduler.run(10_000);
    },
    happened: (world) => {
      assert.equal(texts(world), 4);
      assert.ok(log(world).every(({ msgId }) => world.eventLog?.has(msgId)));
    },
  },
  {
    name: 'restore',
    invariant: 'I1, I4',
    what: 'the store goes back under traffic, under a new epoch',
    mutants: ['restore-unheard'],
    play: async (world) => {
      for (let round = 0; round < 6; round += 1) {
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(100);
        if (round === 1) world.lost.copy();
        if (round === 3) world.lost.restore(true);
      }
      await world.scheduler.run(4_000);
    },
    happened: (world) => {
      assert.ok(world.lost.lost > 0);
      assert.ok(
        world.clients.every(({ former }) => former.length > 0),
        'all start over',
      );
    },
  },
  {
    name: 'silent-restore',
    invariant: 'I1, I4',
    what: 'the store goes back under traffic, and nobody says so',
    mutants: ['silence-unheard'],
    play: async (world) => {
      for (let round = 0; round < 6; round += 1) {
        for (const client of world.clients) client.say(group);
        await world.scheduler.run(100);
        if (round === 1) world.lost.copy();
        if (round === 3) world.lost.restore(false);
      }
      await world.scheduler.run(4_000);
    },
    happened: (world) => {
      assert.ok(world.lost.lost > 0);
      assert.ok(
        world.clients.every(({ former }) => former.length > 0),
        'all start over',
      );
    },
  },
];

/** The interleaving of that name. Throws a RangeError that names those there are. */
export function interleavingNamed(name: string): Interleaving {
  const found = interleavings.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = interleavings.map((one) => one.name).join(', ');
  throw new RangeError(`there is no interleaving "${name}", but ${names}`);
}
