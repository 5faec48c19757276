import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { DeadLetterService } from '../../gen/parley/chat/v1/dead_letter_pb.ts';
import { Receiver } from '../../services/push/testing/receiver.ts';
import { kafka } from '../engines/shared.ts';
import { parley } from '../e2e/support/server-process.ts';
import { until } from '../e2e/support/until.ts';
import { quickRetries, WebhooksFile } from '../push/support.ts';
import { Clients, headOf, talk, until as happened } from './support/clients.ts';
import { Cluster, insist, usualRoles } from './support/cluster.ts';
import { serviceTokenOf } from './support/tokens.ts';

/** Push as two processes of their own, fed by Kafka, with dead letters in the database. */

/** Whose complaints count. */
const nodes = ['p1', 'p2', 'm1', 'm2'];

let stack: AsyncDisposableStack;
let cluster: Cluster;
let clients: Clients;
let receiver: Receiver;
let moody: Receiver;

before(async () => {
  stack = new AsyncDisposableStack();
  // Kafka believes for a while that the one that was killed is still in its groups.
  const topics = stack.adopt(await kafka(), (own) => insist(async () => own[Symbol.asyncDispose]()));
  // It takes its time, so that much is under way when a node is killed.
  receiver = stack.use(
    await Receiver.open((_, response) => void setTimeout(() => response.writeHead(204).end(), 20)),
  );
  moody = stack.use(await Receiver.open((_, response) => void response.writeHead(500).end()));
  const file = stack.use(
    await WebhooksFile.write(
      { name: 'app', url: receiver.url(), events: ['message.created', 'message.offline'] },
      { name: 'moody', url: moody.url(), events: ['group.created'] },
    ),
  );
  const env = {
    ...quickRetries,
    PARLEY_KAFKA_BROKERS: topics.brokers.join(','),
    PARLEY_KAFKA_PREFIX: topics.prefix,
    PARLEY_KAFKA_PARTITIONS: '6',
    PARLEY_WEBHOOKS: file.path,
    PARLEY_WEBHOOK_ATTEMPTS: '2',
    PARLEY_WEBHOOK_OFFLINE_INTERVAL_MS: '200',
  };
  cluster = stack.use(await Cluster.start({ env, roles: { ...usualRoles, p1: 'push', p2: 'push' } }));
  clients = stack.use(new Clients(cluster));
});
after(async () => {
  for (const name of ['p1', 'p2']) await cluster.get(name).drain();
  await stack.disposeAsync();
});

/** Of a conversation, the seqs that the receiver was told of. */
function toldOf(convId: string): Set<number> {
  const told = receiver.received.filter(
    ({ type, data }) => type === 'message.created' && data['conv_id'] === convId,
  );
  return new Set(told.map(({ data }) => Number(data['seq'])));
}

function complaints(): string {
  return JSON.stringify(nodes.flatMap((name) => cluster.get(name).complaints));
}

/** How many events each push process has had. */
async function handled(name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${cluster.get(name).ports.metrics}/metrics`);
  const text = await response.text();
  const delivered = /chat_push_total\{[^}]*endpoint="app"[^}]*result="delivered"[^}]*\} (\d+)/.exec(text);
  return Number(delivered?.[1] ?? 0);
}

describe('push nodes', () => {
  test('share the work, and one that is killed under load loses nothing', async () => {
    const ann = await clients.online('ann', 'e1');
    const groups = await Promise.all(
      Array.from({ length: 16 }, (_, no) => insist(() => ann.groups.create(`Team ${no}`, ['bob']))),
    );
    const ids = groups.map(({ groupId }) => groupId);
    const stops = ids.map((id) => talk(ann, id, 3));
    await until(
      async () => (await handled('p1')) > 20 && (await handled('p2')) > 20,
      () => 'one of them has nothing to do',
      60_000,
    );
    await cluster.get('p1').kill();
    const heads = ids.map((id) => headOf(ann, id));
    await happened(ann, () => ids.every((id, at) => headOf(ann, id) > (heads[at] as number) + 10));
    for (const stop of stops) stop();
    for (const id of ids) await happened(ann, () => ann.log(id).pending.length === 0);
    // All but the group's creation are messages.
    const missing = () =>
      ids.flatMap((id) => {
        const told = toldOf(id);
        return Array.from({ length: headOf(ann, id) - 1 }, (_, at) => at + 2)
          .filter((seq) => !told.has(seq))
          .map((seq) => `${id} ${seq}`);
      });
    await until(
      () => missing().length === 0,
      () => `${missing().length} are missing: ${missing().slice(0, 10).join(', ')}`,
      90_000,
    );
    await cluster.get('p1').start();
    const { groupId } = await ann.groups.create('Later', ['bob']);
    ann.send(groupId, 'who is there?');
    await until(
      () => toldOf(groupId).has(2),
      () => 'nobody was told',
    );
  });

  test('tell of those who are not there', async () => {
    const cyd = await clients.online('cyd', 'e1');
    await clients.online('dan', 'e2');
    const { groupId } = await cyd.groups.create('Half', ['dan', 'eve', 'fay']);
    cyd.send(groupId, 'hello?');
    await receiver.until(() =>
      receiver.received.some(({ type, data }) => type === 'message.offline' && data['conv_id'] === groupId),
    );
    const notice = receiver.received.find(
      ({ type, data }) => type === 'message.offline' && data['conv_id'] === groupId,
    );
    assert.deepEqual(notice?.data['user_ids'], ['eve', 'fay']);
  });

  test('keep what they give up in the database, for the command line to list and to send again', async () => {
    const gus = await clients.online('gus', 'e2');
    const { groupId } = await gus.groups.create('Moody', []);
    const line = async () =>
      (await parley(['dead-letters', 'list', '--endpoint', 'moody'], commandEnv()))
        .split('\n')
        .find((each) => each.includes(`\t${groupId}\t`));
    await until(
      async () => (await line()) !== undefined,
      () => `there is no letter: moody was asked ${moody.received.length} times; ${complaints()}`,
    );
    const id = (await line())?.split('\t')[0] as string;
    moody.behave = (_, response) => void response.writeHead(204).end();
    assert.match(await parley(['dead-letters', 'replay', id], commandEnv()), /delivered/);
    assert.equal(await line(), undefined);
    assert.ok(moody.received.filter((each) => each.id === id).length > 2);
  });

  test('let an administrator list what was given up, have it sent again, and drop it, by any edge', async () => {
    moody.behave = (_, response) => void response.writeHead(500).end();
    const hal = await clients.online('hal', 'e1');
    const groups = await Promise.all(['One', 'Two'].map((name) => hal.groups.create(name, [])));
    const ops = await serviceTokenOf('ops', ['admin']);
    const letters = (edge: string) => deadLettersAt(cluster.get(edge).ports.http, ops);
    const idOf = async (convId: string, edge = 'e1') =>
      (await letters(edge).listDeadLetters({})).letters.find((letter) => letter.convId === convId)?.id;
    const [one, two] = groups.map(({ groupId }) => groupId) as [string, string];
    await until(
      async () => (await idOf(one)) !== undefined && (await idOf(two)) !== undefined,
      () => `the letters are not listed; ${complaints()}`,
    );
    const [first, second] = [await idOf(one, 'e2'), await idOf(two, 'e2')] as [string, string];

    const again = async (edge: string) =>
      (await letters(edge).replayDeadLetters({ ids: [first, 'none'] })).letters.map(
        ({ id, delivered, problem }) => [id, delivered, problem],
      );
    const none = ['none', false, 'there is no such letter'];
    assert.deepEqual(await again('e1'), [[first, false, 'status 500'], none]);
    moody.behave = (_, response) => void response.writeHead(204).end();
    const before = moody.received.length;
    assert.deepEqual(await again('e2'), [[first, true, ''], none]);
    assert.deepEqual(moody.ids.slice(before), [first], 'it is sent once, whichever push node does it');
    assert.equal(await idOf(one), undefined);

    assert.equal((await letters('e1').dropDeadLetters({ ids: [second, 'none'] })).dropped, 1);
    assert.equal((await letters('e2').dropDeadLetters({ ids: [second] })).dropped, 0);
    assert.equal(await idOf(two), undefined);
  });

  test('have told of no error', () => {
    for (const name of nodes) assert.deepEqual(cluster.get(name).complaints, [], name);
  });
});

function deadLettersAt(port: number, bearer: string) {
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${port}`,
    httpVersion: '1.1',
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${bearer}`);
        return next(request);
      },
    ],
  });
  return createClient(DeadLetterService, transport);
}

/** The command line is asked with as little as it needs. */
function commandEnv(): Record<string, string> {
  const needed = ['PARLEY_MODE', 'PARLEY_MYSQL_URL', 'PARLEY_WEBHOOKS'];
  return Object.fromEntries(needed.map((name) => [name, cluster.env[name] as string]));
}
