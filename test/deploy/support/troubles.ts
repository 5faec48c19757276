import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { insist } from '../../cluster/support/cluster.ts';
import { userToken } from '../../cluster/support/tokens.ts';
import { SocketUser } from '../../e2e/support/socket-user.ts';
import { until } from '../../e2e/support/until.ts';
import { rest } from '../../push/support.ts';
import type { MonitoredCluster } from './monitored-cluster.ts';

/** Ways to make a cluster show what it otherwise never would. */

type Trouble = (site: MonitoredCluster) => Promise<void>;

/** What some of them need of it. */
export type TroubledCluster = Pick<MonitoredCluster, 'cluster' | 'start'>;

/** How long a trouble lasts that several scrapes must see. */
const lastsMs = 4_000;
/** Of one message node, until another one has been asked for what it does not own. */
const mostMoves = 6;

const edge = (site: TroubledCluster): number => site.cluster.get('e1').ports.http;

async function group(site: TroubledCluster, owner: string, ...members: string[]): Promise<string> {
  const made = await insist(() => rest(edge(site), owner, 'POST', '/groups', { name: owner, members }));
  return made['group_id'] as string;
}

async function signedIn(site: TroubledCluster, user: string): Promise<SocketUser<Frame>> {
  const socket = await SocketUser.open<Frame>(`ws://127.0.0.1:${edge(site)}/ws`, 'parley.v1.json');
  const hello = { deviceId: `device of ${user}`, protocolVersion: 1, userId: user };
  socket.tell({ commands: [{ id: 1, hello }] });
  await socket.hears(({ events = [] }) => events.some(({ welcome }) => welcome !== undefined));
  return socket;
}

interface Frame {
  readonly events?: readonly { readonly welcome?: object }[];
}

/** Groups are made, which a receiver of webhooks refuses to hear of; strangers send to them. */
export const refusals = async (site: TroubledCluster): Promise<void> => {
  const id = await group(site, 'owner', 'member');
  for (let no = 0; no < 20; no += 1) {
    await rest(edge(site), 'stranger', 'POST', '/messages/send', { conv_id: id, content: 'let me in' }).then(
      () => Promise.reject(new Error('a stranger was let in')),
      () => {},
    );
    await pause(100);
  }
};

/** Frames that make no sense, handshakes at a path where nobody is, and one who sends as fast as he can. */
const nonsense: Trouble = async (site) => {
  for (let no = 0; no < 5; no += 1) {
    const socket = new WebSocket(`ws://127.0.0.1:${edge(site)}/ws`, 'parley.v1.json');
    await once(socket, 'open');
    socket.send('{');
    await once(socket, 'close');
    const lost = new WebSocket(`ws://127.0.0.1:${edge(site)}/nowhere`);
    await once(lost, 'error');
    await pause(500);
  }
  await using hasty = await signedIn(site, 'hasty');
  for (let no = 0; no < 4_000; no += 1) hasty.tell({ commands: [{ id: no + 2, ping: {} }] });
  await pause(lastsMs);
};

/** One who takes what is sent to him and never says so. */
export const silence = async (site: TroubledCluster): Promise<void> => {
  const id = await group(site, 'talker', 'silent');
  await using _silent = await signedIn(site, 'silent');
  const content = 'x'.repeat(8_000);
  for (let no = 0; no < 30; no += 1)
    await insist(() => rest(edge(site), 'talker', 'POST', '/messages/send', { conv_id: id, content }));
  // Announced again after three seconds, by a look every five.
  await pause(3 * lastsMs);
};

/** One who asks for a lot and reads nothing of it. */
export const deafness = async (site: TroubledCluster): Promise<void> => {
  const id = await group(site, 'writer', 'deaf');
  const content = 'x'.repeat(20_000);
  for (let no = 0; no < 50; no += 1)
    await insist(() => rest(edge(site), 'writer', 'POST', '/messages/send', { conv_id: id, content }));
  const socket = new WebSocket(`ws://127.0.0.1:${edge(site)}/ws`, 'parley.v1.json');
  await once(socket, 'open');
  const hello = { deviceId: 'deaf', protocolVersion: 1, userId: 'deaf' };
  socket.send(JSON.stringify({ commands: [{ id: 1, hello }] }));
  await once(socket, 'message');
  socket.pause();
  // Each answer has 400 KB. Links take a megabyte here, so that not all are asked for at once.
  for (let no = 0; no < 150; no += 1) {
    socket.send(
      JSON.stringify({ commands: [{ id: no + 2, list: { convId: id, fromSeq: '1', limit: 20 } }] }),
    );
    await pause(60);
  }
  socket.terminate();
};

/** Redis hangs while people sign in. */
const frozenRedis: Trouble = async (site) => {
  site.cluster.redis.freeze();
  const users = ['one', 'two', 'three'].map((user) => signedIn(site, user).catch(() => undefined));
  await pause(2 * lastsMs);
  site.cluster.redis.thaw();
  for (const user of await Promise.all(users)) await user?.[Symbol.asyncDispose]();
};

/** Kafka is killed, and a message node dies meanwhile: what it left is taken over. */
const noKafka: Trouble = async (site) => {
  await site.kafka.kill();
  await pause(lastsMs);
  await site.cluster.get('m2').kill();
  await pause(2 * lastsMs);
  await site.kafka.restart();
  await site.cluster.get('m2').start();
};

/** Message nodes go and come: history is read by one and then by the other, and is asked of who has it no more. */
const moves: Trouble = async (site) => {
  const id = await group(site, 'reader');
  for (let no = 0; no < 120; no += 1)
    await insist(() =>
      rest(edge(site), 'reader', 'POST', '/messages/send', { conv_id: id, content: `${no}` }),
    );
  const others = await Promise.all(Array.from({ length: 20 }, (_, no) => group(site, `reader ${no}`)));
  let going = true;
  const page = (reader: string, of: string) =>
    rest(edge(site), reader, 'GET', `/conversations/${of}/messages?from_seq=1&limit=100`).catch(() => {});
  const asking = others.map(async (of, no) => {
    while (going) await page(`reader ${no}`, of);
  });
  for (const name of ['m1', 'm2', 'm1']) {
    await site.cluster.get(name).drain();
    for (let times = 0; times < 3; times += 1) {
      await page('reader', id);
      await pause(500);
    }
    await site.cluster.get(name).start();
    await pause(lastsMs);
  }
  // Who asks whom in the moment of a move is chance: m2 goes and comes until m1, which stays, was asked for what is not its own.
  const handedOn = () => site.cluster.cluster.metric('m1', 'chat_commands_handed_on_total');
  const before = await handedOn();
  for (let times = 0; times < mostMoves && (await handedOn()) === before; times += 1) {
    await site.cluster.get('m2').drain();
    await pause(lastsMs);
    await site.cluster.get('m2').start();
    await pause(lastsMs);
  }
  going = false;
  await Promise.all(asking);
};

/** A message node hangs while much is sent to it: what its link has no room for is refused. */
const frozenOwner: Trouble = async (site) => {
  const content = 'x'.repeat(20_000);
  site.cluster.get('m1').freeze();
  // Half of it is for the one that hangs: several times what the queue, gRPC and the sockets hold. By several people, as one
  // would be told to slow down.
  const sends = Array.from({ length: 400 }, (_, no) =>
    rest(edge(site), `shouter ${no % 8}`, 'POST', '/messages/send', { to: `listener ${no}`, content }),
  );
  const outcomes = Promise.allSettled(sends);
  await pause(lastsMs);
  site.cluster.get('m1').thaw();
  const refusals = (await outcomes)
    .filter((one) => one.status === 'rejected')
    .map(({ reason }) => String(reason));
  assert.ok(
    refusals.some((refusal) => refusal.includes('overloaded')),
    `nothing was too much: ${refusals[0] ?? 'all of it was taken'}`,
  );
};

/** Two who do not know of each other write to the same conversation on one database. */
export const strangersAtWork = async (site: TroubledCluster): Promise<void> => {
  await site.start('mx');
  await site.start('gx');
  await site.start('ex');
  const { http } = site.cluster.get('ex').ports;
  const id = await group(site, 'torn');
  for (let no = 0; no < 60; no += 1) {
    const send = (port: number) => () =>
      rest(port, 'torn', 'POST', '/messages/send', { conv_id: id, content: `${no}` });
    await Promise.all([insist(send(edge(site))), insist(send(http))]);
    await pause(50);
  }
  for (const name of ['ex', 'gx', 'mx']) await site.cluster.get(name).drain();
};

/** An edge that never reached Redis can't say whose token is revoked. */
const unknowing: Trouble = async (site) => {
  await site.start('e9');
  const token = await userToken('guest');
  for (let no = 0; no < 6; no += 1) {
    // It knows of no message node either: it lets people in, and can't do anything for them.
    await site.cluster.cluster.ask('e9', '/api/v1/conversations', token);
    await pause(1_000);
  }
  await site.cluster.get('e9').drain();
};

/** The database loses what it had confirmed. */
const restored: Trouble = async (site) => {
  const connection = await site.cluster.database.connect('parley');
  try {
    await connection.query('DELETE FROM message ORDER BY msg_id DESC LIMIT 2000');
  } finally {
    await connection.end();
  }
  await until(
    async () => ((await site.prometheus.query('sum(chat_store_resets_total)'))[0]?.value ?? 0) > 0,
    () => 'nobody noticed',
  );
};

export const troubles: readonly Trouble[] = [
  refusals,
  nonsense,
  silence,
  deafness,
  frozenRedis,
  noKafka,
  moves,
  frozenOwner,
  strangersAtWork,
  unknowing,
  restored,
];
