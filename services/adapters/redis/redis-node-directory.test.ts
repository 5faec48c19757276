import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redis } from '../../../test/engines/shared.ts';
import { RedisServer } from '../../../test/engines/redis-server.ts';
import { RedisCluster } from '../../../test/engines/redis-cluster.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../core/log.ts';
import type { NodeLease, NodeRole, SeenLeases } from '../../ports/node-directory.ts';
import { redisClient } from './client.ts';
import { RedisNodeDirectory } from './redis-node-directory.ts';
import type { RedisClient } from './script.ts';

const leaseMs = 300;

const lease = (nodeId: string, fields: Partial<NodeLease> = {}): NodeLease => ({
  role: 'message',
  nodeId,
  incarnation: 1,
  address: `${nodeId}:9505`,
  state: 'ready',
  ...fields,
});

/** What a watcher is told, in order, as node ids with their states. */
class Told implements Disposable {
  readonly all: (readonly string[] | undefined)[] = [];
  readonly #watch: Disposable;
  #wake: () => void = () => {};

  constructor(directory: RedisNodeDirectory, role: NodeRole = 'message') {
    this.#watch = directory.watch(role, (seen) => {
      this.all.push(names(seen));
      this.#wake();
    });
  }

  /** Resolves when the last thing told is this. */
  async until(...wanted: (string | undefined)[]): Promise<void> {
    const text = JSON.stringify(wanted[0] === undefined && wanted.length === 1 ? undefined : wanted);
    while (this.all.length === 0 || JSON.stringify(this.all.at(-1)) !== text)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

function names(seen: SeenLeases): readonly string[] | undefined {
  return seen?.map(({ nodeId, state, incarnation }) => `${nodeId}.${incarnation} ${state}`);
}

interface Place {
  readonly url: string;
  readonly prefix: string;
}

/** Some directories, as processes of their own would have them. */
class Directories implements AsyncDisposable {
  readonly #place: Place;
  readonly #open: { readonly directory: RedisNodeDirectory; readonly client: RedisClient }[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  async open(): Promise<{ readonly directory: RedisNodeDirectory; readonly client: RedisClient }> {
    const client = redisClient(this.#place.url, silentLogger);
    const one = {
      client,
      directory: new RedisNodeDirectory({
        redis: client,
        prefix: this.#place.prefix,
        leaseMs,
        clock: systemClock,
      }),
    };
    this.#open.push(one);
    if (client.status !== 'ready') await new Promise<void>((resolve) => void client.once('ready', resolve));
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { directory, client } of this.#open) {
      directory[Symbol.dispose]();
      client.disconnect();
    }
  }
}

const ignore = () => assert.fail('no other run is there');

describe('nodes in Redis', () => {
  it('are seen by others with their state, until they withdraw', async () => {
    await using place = await redis();
    await using directories = new Directories(place);
    const [one, two] = [await directories.open(), await directories.open()];
    const first = one.directory.announce(lease('m1', { state: 'joining' }), ignore);
    one.directory.announce(lease('g1', { role: 'group' }), ignore);
    two.directory.announce(lease('m2'), ignore);
    using told = new Told(two.directory);
    await told.until('m1.1 joining', 'm2.1 ready');
    first.update('ready');
    await told.until('m1.1 ready', 'm2.1 ready');
    await first.withdraw();
    await told.until('m2.1 ready');
    using groups = new Told(two.directory, 'group');
    await groups.until('g1.1 ready');
  });

  it('lapse when they are not renewed', async () => {
    await using place = await redis();
    await using directories = new Directories(place);
    const [one, two] = [await directories.open(), await directories.open()];
    one.directory.announce(lease('m1'), ignore);
    two.directory.announce(lease('m2'), ignore);
    using told = new Told(two.directory);
    await told.until('m1.1 ready', 'm2.1 ready');
    one.directory[Symbol.dispose]();
    await told.until('m2.1 ready');
  });

  it('have a name that the latest run holds', async () => {
    await using place = await redis();
    await using directories = new Directories(place);
    const [one, two] = [await directories.open(), await directories.open()];
    using told = new Told(two.directory);
    const superseded = Promise.withResolvers<void>();
    one.directory.announce(lease('m1', { incarnation: 7 }), superseded.resolve);
    await told.until('m1.7 ready');
    const later = two.directory.announce(lease('m1', { incarnation: 8 }), ignore);
    await superseded.promise;
    await told.until('m1.8 ready');
    // What the former run still says changes nothing.
    const third = await directories.open();
    const refused = Promise.withResolvers<void>();
    const former = third.directory.announce(lease('m1', { incarnation: 7 }), refused.resolve);
    await refused.promise;
    await former.withdraw();
    later.update('draining');
    await told.until('m1.8 draining');
  });

  it('are what Redis says, and come back by themselves', async () => {
    await using place = await redis();
    await using directories = new Directories(place);
    const { directory, client } = await directories.open();
    directory.announce(lease('m1'), ignore);
    using told = new Told(directory);
    await told.until('m1.1 ready');
    const key = `${place.prefix}{nodes:message}:leases`;
    const forged = JSON.stringify(lease('forged'));
    await client.hset(key, 'forged', `1 ${Date.now() + 60_000} ${forged}`);
    await told.until('forged.1 ready', 'm1.1 ready');
    await client.hdel(key, 'forged', 'm1');
    await told.until('m1.1 ready');
  });
});

describe('a Redis that', () => {
  it('is emptied is not believed before every node had time to announce itself again', async () => {
    await using server = await RedisServer.start();
    await using directories = new Directories({ url: server.url, prefix: 'p:' });
    const all = [await directories.open(), await directories.open(), await directories.open()];
    for (const [no, { directory }] of all.entries()) directory.announce(lease(`m${no}`), ignore);
    using told = new Told((all[0] as (typeof all)[number]).directory);
    await told.until('m0.1 ready', 'm1.1 ready', 'm2.1 ready');
    const before = told.all.length;
    await server.ask('FLUSHALL');
    while (told.all.length < before + 2)
      await told.until('m0.1 ready', 'm1.1 ready', 'm2.1 ready').then(turn);
    assert.deepEqual(
      told.all.slice(before).map((seen) => seen?.length),
      [undefined, 3],
      'never a part of them',
    );
  });

  it('dies and comes back empty says nothing meanwhile', async () => {
    await using server = await RedisServer.start({ persistent: false });
    await using directories = new Directories({ url: server.url, prefix: 'p:' });
    const { directory } = await directories.open();
    directory.announce(lease('m1'), ignore);
    using told = new Told(directory);
    await told.until('m1.1 ready');
    await server.kill();
    await told.until(undefined);
    await server.restart();
    await told.until('m1.1 ready');
  });

  it('is frozen holds nobody up', async () => {
    await using server = await RedisServer.start();
    await using directories = new Directories({ url: server.url, prefix: 'p:' });
    const { directory } = await directories.open();
    const announced = directory.announce(lease('m1'), ignore);
    using told = new Told(directory);
    await told.until('m1.1 ready');
    server.freeze();
    await told.until(undefined);
    await announced.withdraw();
    server.thaw();
    await told.until();
  });
});

it('nodes are found in a Redis Cluster, too', async () => {
  await using cluster = await RedisCluster.start();
  await using directories = new Directories({
    url: `redis+cluster://${cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`,
    prefix: 'p:',
  });
  const { directory } = await directories.open();
  for (const role of ['message', 'group', 'connection', 'push'] as const)
    directory.announce(lease('n1', { role }), ignore);
  for (const role of ['message', 'group', 'connection', 'push'] as const) {
    using told = new Told(directory, role);
    await told.until('n1.1 ready');
  }
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
