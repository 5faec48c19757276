import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../../test/e2e/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { NodeRegistration } from '../../peer/node-registration.ts';
import type { NodeChange } from '../../peer/node-view.ts';
import { NodeWatch } from '../../peer/node-watch.ts';
import type { NodeRecord } from '../../ports/directory.ts';
import { fixtureTimes, node } from '../../ports/directory-conformance/fixture.ts';
import type { RedisDirectory } from './redis-directory.ts';
import { config, openDirectory, ownPrefix, shared } from './testing/open-directory.ts';
import { RedisServer } from '../../../test/engines/redis-server.ts';

const server = shared(() => RedisServer.start());

/** Nodes and a watcher, each with connections of its own, on one Redis. */
class Scene implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly changes: NodeChange[] = [];
  readonly superseded: string[] = [];
  readonly #prefix = ownPrefix();
  readonly #stack = new AsyncDisposableStack();
  #watch: NodeWatch | undefined;

  private constructor(redis: RedisServer) {
    this.redis = redis;
  }

  /** All nodes are there, and the watcher has settled. */
  static async open(...nodes: readonly NodeRecord[]): Promise<Scene> {
    const scene = new Scene(await server());
    for (const each of nodes) await scene.register(each);
    await scene.#startWatch();
    await scene.come(() => scene.watch.available && scene.watch.nodes.length === nodes.length);
    scene.changes.length = 0;
    return scene;
  }

  get watch(): NodeWatch {
    assert.ok(this.#watch);
    return this.#watch;
  }

  /** Registers a node; the function returned ends its connections, as its death would. */
  async register(record: NodeRecord): Promise<{ kill(): Promise<void>; leave(): Promise<void> }> {
    const directory = await this.#directory();
    const registration = new NodeRegistration({
      leases: directory.nodes,
      node: record,
      load: () => record.load,
      superseded: () => this.superseded.push(`${record.id} ${record.incarnation}`),
      failed: () => {},
    });
    this.#stack.defer(() => registration.stop());
    await registration.start();
    return { kill: () => directory.close(), leave: () => registration.stop() };
  }

  get said(): string[] {
    return this.changes.map((change) => ('node' in change ? `${change.t} ${change.node.id}` : change.t));
  }

  /** The directory is out of the watcher's reach, and then it is back and has settled. */
  async recovered(): Promise<void> {
    await this.come(() => this.said.includes('available') && this.watch.available);
  }

  come(holds: () => boolean): Promise<void> {
    return until(holds, () => `${this.said.join(', ')}; available: ${this.#watch?.available}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.thaw();
    await this.#stack.disposeAsync();
  }

  async #startWatch(): Promise<void> {
    const directory = await this.#directory();
    const watch = new NodeWatch({
      leases: directory.nodes,
      role: 'message',
      clock: systemClock,
      changed: (change) => this.changes.push(change),
      failed: (error) => assert.fail(error as Error),
    });
    this.#stack.defer(() => watch.stop());
    this.#watch = watch;
    await watch.start();
  }

  async #directory(): Promise<RedisDirectory> {
    const directory = await openDirectory({ ...config(this.redis.url), keyPrefix: this.#prefix });
    this.#stack.defer(() => directory.close());
    return directory;
  }
}

describe('nodes on Redis', () => {
  it('come and leave', async () => {
    await using scene = await Scene.open(node('one'));
    const two = await scene.register(node('two'));
    await scene.come(() => scene.said.includes('joined two'));
    await two.leave();
    await scene.come(() => scene.said.includes('left two'));
    assert.deepEqual(
      scene.said.filter((each) => each.includes(' ')),
      ['joined two', 'left two'],
    );
  });

  it('that die lapse, and the others stay', async () => {
    await using scene = await Scene.open(node('one'));
    const two = await scene.register(node('two'));
    await scene.come(() => scene.said.includes('joined two'));
    await two.kill();
    await scene.come(() => scene.said.includes('left two'));
    assert.deepEqual(
      scene.watch.nodes.map(({ id }) => id),
      ['one'],
    );
  });

  it('that were superseded are told, once, and renew no more', async () => {
    await using scene = await Scene.open(node('one', { incarnation: 1 }));
    await scene.register(node('one', { incarnation: 2, address: 'new:1' }));
    await scene.come(() => scene.superseded.length > 0 && scene.said.includes('joined one'));
    assert.deepEqual(scene.superseded, ['one 1']);
    assert.deepEqual(scene.watch.nodes, [node('one', { incarnation: 2, address: 'new:1' })]);
  });

  const troubles: readonly (readonly [string, (redis: RedisServer) => Promise<void>])[] = [
    [
      'killed, emptied and restarted',
      async (redis) => {
        await redis.ask('FLUSHALL');
        await redis.restart();
      },
    ],
    ['emptied alone', async (redis) => void (await redis.ask('FLUSHALL'))],
    [
      'frozen for three lease times',
      async (redis) => {
        redis.freeze();
        await pause(3 * fixtureTimes.leaseMs);
        redis.thaw();
      },
    ],
    [
      'gone for three lease times',
      async (redis) => {
        await redis.kill();
        await pause(3 * fixtureTimes.leaseMs);
        await redis.restart();
      },
    ],
    [
      'refusing writes, and answering reads, for three lease times',
      async (redis) => {
        await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '1');
        await pause(3 * fixtureTimes.leaseMs);
        await redis.ask('CONFIG', 'SET', 'min-replicas-to-write', '0');
      },
    ],
  ];
  for (const [name, trouble] of troubles) {
    it(`are not declared dead because Redis was ${name}; who died meanwhile is`, async () => {
      await using scene = await Scene.open(node('one'), node('two'));
      const three = await scene.register(node('three'));
      await scene.come(() => scene.said.includes('joined three'));
      scene.changes.length = 0;
      await three.kill();
      await trouble(scene.redis);
      await scene.recovered();
      await scene.come(() => scene.said.includes('left three'));
      // A busy machine may have the watcher doubt once more; nobody else may be called gone.
      assert.equal(scene.said[0], 'unavailable');
      const ofNodes = scene.said.filter((each) => each.includes(' '));
      assert.deepEqual(ofNodes, ['left three']);
      assert.ok(scene.said.indexOf('left three') > scene.said.indexOf('available'));
    });
  }
});
