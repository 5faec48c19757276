import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { kafka } from '../engines/shared.ts';
import { JsonUser } from '../e2e/support/json-user.ts';
import { until } from '../e2e/support/until.ts';
import { Metrics } from '../input/support/metrics.ts';
import { Phones } from '../push/phones.ts';
import { Cluster, insist, usualRoles } from '../cluster/support/cluster.ts';
import { userToken } from '../cluster/support/tokens.ts';

/** Pushes to devices by two push nodes, of which one is killed; sessions are on two edges, of which one freezes. */

let stack: AsyncDisposableStack;
let cluster: Cluster;
let phones: Phones;

before(async () => {
  stack = new AsyncDisposableStack();
  // Kafka believes for a while that the one that was killed is still in its groups.
  const topics = stack.adopt(await kafka(), (own) => insist(async () => own[Symbol.asyncDispose]()));
  phones = stack.use(await Phones.open());
  const env = {
    ...phones.env,
    PARLEY_PUSH_TIMEOUT_MS: '20000',
    PARLEY_KAFKA_BROKERS: topics.brokers.join(','),
    PARLEY_KAFKA_PREFIX: topics.prefix,
    PARLEY_KAFKA_PARTITIONS: '6',
  };
  cluster = stack.use(await Cluster.start({ env, roles: { ...usualRoles, p1: 'push', p2: 'push' } }));
});
after(async () => {
  for (const name of ['p1', 'p2']) await cluster.get(name).drain();
  await stack.disposeAsync();
});

async function ask(edge: string, user: string, method: string, path: string, body: object): Promise<void> {
  await insist(async () => {
    const response = await fetch(`http://127.0.0.1:${cluster.get(edge).ports.http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${await userToken(user)}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  });
}

function register(user: string, id = 'phone'): Promise<void> {
  return ask('e1', user, 'PUT', `/devices/${id}`, phones.phone(`${user}-${id}`));
}

async function makeGroup(name: string, ...members: readonly string[]): Promise<void> {
  await ask('e1', 'ann', 'POST', '/groups', { group_id: name, name, members });
}

/** A session of the JSON dialect at an edge; it acknowledges when it is told to. */
async function signIn(user: string, edge: string, device = 'phone'): Promise<JsonUser> {
  return JsonUser.signIn(user, cluster.get(edge).ports.ws, device);
}

async function sentBy(name: string): Promise<number> {
  const labels = 'provider="fcm",endpoint="devices",result="sent"';
  return (await Metrics.read(cluster.get(name).ports.metrics)).of(`chat_push_total{${labels}}`);
}

describe('pushes to devices in a cluster', () => {
  test('go to who is away, half-open or on a frozen edge, and to nobody who acknowledges', async () => {
    const members = ['bob', 'cyd', 'dan', 'eve'];
    await makeGroup('Garden', ...members);
    for (const user of members) await register(user);
    await register('cyd', 'tablet');
    await using cyd = await signIn('cyd', 'e1');
    // Dan reads nothing; Eve's edge is about to freeze.
    await using _dan = await signIn('dan', 'e1');
    await using _eve = await signIn('eve', 'e2');
    cluster.get('e2').freeze();
    try {
      await ask('e1', 'ann', 'POST', '/messages/send', { conv_id: 'Garden', content: 'hush' });
      await until(
        () => cyd.heard('Garden').length === 1,
        () => 'cyd heard nothing',
      );
      cyd.acknowledge('Garden');
      const expected = ['bob-phone', 'cyd-tablet', 'dan-phone', 'eve-phone'];
      await until(
        () => expected.every((token) => phones.last(token, 'Garden') === 2),
        () => `pushed: ${phones.taken}`,
        60_000,
      );
      assert.equal(phones.last('cyd-phone', 'Garden'), 0);
      assert.doesNotMatch(JSON.stringify(phones.google.taken), /hush/);
    } finally {
      cluster.get('e2').thaw();
    }
  });

  test('are shared by push nodes, and lose and repeat nothing when one is killed amidst them', async () => {
    const groups = Array.from({ length: 16 }, (_, no) => `team ${no}`);
    const members = Array.from({ length: 4 }, (_, no) => `u${no}`);
    for (const user of members) await register(user);
    for (const name of groups) await makeGroup(name, ...members);
    const sendAll = (content: string) =>
      Promise.all(groups.map((conv_id) => ask('e1', 'ann', 'POST', '/messages/send', { conv_id, content })));
    const told = (seq: number) =>
      groups.flatMap((name) => members.filter((user) => phones.last(`${user}-phone`, name) >= seq)).length;
    const all = groups.length * members.length;
    let seq = 1;
    const shared = async () => (await sentBy('p1')) > 0 && (await sentBy('p2')) > 0;
    for (let rounds = 0; rounds < 30 && !(await shared()); rounds += 1) {
      seq += 1;
      await sendAll(`${seq}`);
      await until(
        () => told(seq) === all,
        () => `${told(seq)} were told`,
        60_000,
      );
    }
    assert.ok(await shared(), 'one of them has nothing to do');
    const before = phones.google.taken.length;

    // Google hangs on half of them when the node is killed.
    let hanging = true;
    phones.google.behave = ({ path, body }) =>
      path !== '/token' && hanging && /u[01]-phone/.test(body.toString()) ? 'hang' : undefined;
    seq += 1;
    await sendAll(`${seq}`);
    await until(
      () => told(seq) >= all / 2,
      () => `${told(seq)} were told`,
      60_000,
    );
    await cluster.get('p1').kill();
    hanging = false;
    await until(
      () => told(seq) === all,
      () => `${told(seq)} were told`,
      120_000,
    );
    // Each occasion has one id, whichever node pushed it and how often.
    const ids = new Map<string, Set<string>>();
    for (const { token, data } of phones.google.taken.slice(before)) {
      const occasion = `${token} ${data['conv_id']} ${data['seq']}`;
      ids.set(occasion, (ids.get(occasion) ?? new Set()).add(data['notice_id'] as string));
    }
    for (const [occasion, own] of ids) assert.equal(own.size, 1, occasion);
    await cluster.get('p1').start();
  });

  test('have told of no error', () => {
    for (const name of ['p2', 'm1', 'm2', 'e1']) assert.deepEqual(cluster.get(name).complaints, [], name);
  });
});
