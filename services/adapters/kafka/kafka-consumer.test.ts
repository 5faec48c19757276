import { type ConsumerOptions, ProtocolError } from '@platformatic/kafka';
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import { silentLogger } from '../../core/log.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { StubClient, stubTopic } from './testing/stub-client.ts';

/** As often as a consumer commits, and looks up its lag. */
const commitMs = 500;
const lagMs = 10 * commitMs;

/** A member of a group whose rebalances, timers and events that end are the test's. */
class Scene implements AsyncDisposable {
  /** What its next session gets. */
  stub = new StubClient();
  /** What the library was asked for, for each session. */
  readonly asked: ConsumerOptions<Buffer, Buffer, Buffer, Buffer>[] = [];
  readonly #t: TestContext;
  readonly #handed: { readonly text: string; readonly done: () => void }[] = [];
  readonly consumer: KafkaConsumer;

  constructor(t: TestContext, window: number) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    this.#t = t;
    this.consumer = new KafkaConsumer({
      topic: stubTopic,
      groupId: 'group',
      options: {} as never,
      log: silentLogger,
      random: () => 0,
      client: (options) => {
        this.asked.push(options);
        return this.stub.client;
      },
      stopped: () => {},
      consume: {
        group: 'group',
        window,
        handle: ({ value }) =>
          new Promise((done) => this.#handed.push({ text: Buffer.from(value).toString(), done })),
      },
    });
  }

  /** Waits until these were handed over, in this order and no others, and forgets them: those under way go on. */
  async takes(...texts: string[]): Promise<{ done(of?: string): void }> {
    const told = () => this.#handed.map(({ text }) => text);
    await until(
      () => this.#handed.length >= texts.length,
      () => `handed over are only ${told().join(' ')}`,
    );
    await turns();
    assert.deepEqual(told(), texts);
    const taken = this.#handed.splice(0);
    return {
      done: (of = '') => {
        for (const { text, done } of taken) if (text.startsWith(of)) done();
      },
    };
  }

  async passes(ms: number): Promise<void> {
    await turns();
    for (let passed = 0; passed < ms; passed += commitMs) {
      this.#t.mock.timers.tick(commitMs);
      await turns();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever waits to join does so until it has joined.
    this.stub.assign();
    await this.consumer.stop();
  }
}

/** Lets go on whatever can, without a timer. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('a member of a consumer group', () => {
  it('passes over records of a partition that it has no more, and reads them when it has it again', async (t) => {
    await using scene = new Scene(t, 16);
    const { stub, consumer } = scene;
    stub.write(0, 100, 104);
    await turns();
    stub.assign(0);
    await scene.takes('0:100', '0:101', '0:102', '0:103');
    stub.write(0, 100, 108);
    stub.assign();
    stub.answer(0, 104);
    await scene.takes();
    await scene.passes(lagMs);
    assert.equal(consumer.meters.lag, 0);
    // Its other reader has ended before it was done with anything.
    stub.assign(0);
    const again = await scene.takes(...Array.from({ length: 8 }, (_, i) => `0:${100 + i}`));
    await scene.passes(commitMs);
    assert.equal(stub.committed.get(0), 100);
    again.done();
    await scene.passes(commitMs);
    assert.equal(stub.committed.get(0), 108);
  });

  it('reads a partition from where the group stands that was lost and came back while it waited', async (t) => {
    await using scene = new Scene(t, 4);
    const { stub } = scene;
    stub.write(0, 100, 102);
    stub.write(1, 0, 2);
    await turns();
    stub.assign(0, 1);
    const first = await scene.takes('0:100', '0:101', '1:0', '1:1');
    // It waits for room in partition 1, and behind that record are two of partition 0.
    stub.write(1, 0, 3);
    stub.write(0, 100, 104);
    stub.answer(1, 2);
    stub.answer(0, 102);
    stub.answer(0, 103);
    await turns();
    stub.assign(1);
    stub.assign(0, 1);
    const second = await scene.takes('1:2', '0:100');
    first.done('1:');
    second.done();
    await scene.takes('0:101', '0:102', '0:103');
    await scene.passes(commitMs);
    assert.equal(stub.committed.get(0), 101);
  });

  it('I6: has one window for all its partitions, whatever room each takes of it', async (t) => {
    await using scene = new Scene(t, 4);
    const { stub } = scene;
    stub.write(0, 0, 3);
    stub.write(1, 0, 3);
    await turns();
    stub.assign(0, 1);
    const first = await scene.takes('0:0', '0:1', '0:2', '1:0');
    first.done('0:0');
    await scene.takes('1:1');
    // What is under way of a partition that goes to another reader takes no room any more.
    stub.assign(1);
    await scene.takes('1:2');
  });

  it('keeps what is under way of a partition that it keeps', async (t) => {
    await using scene = new Scene(t, 16);
    const { stub } = scene;
    stub.write(0, 0, 2);
    await turns();
    stub.assign(0);
    const first = await scene.takes('0:0', '0:1');
    stub.write(0, 0, 3);
    stub.assign(0, 1);
    const second = await scene.takes('0:2');
    first.done();
    second.done();
    await scene.passes(commitMs);
    assert.equal(stub.committed.get(0), 3);
  });

  const troubles: Readonly<Record<string, (stub: StubClient) => void>> = {
    'a heartbeat has failed': (stub) => stub.emit('consumer:heartbeat:error', { error: new Error('lost') }),
    'the library gives up joining anew': (stub) => stub.emit('error', new Error('no answer')),
    'the coordinator is another broker': (stub) => {
      stub.refusal = new ProtocolError('NOT_COORDINATOR');
    },
    'the coordinator is no broker any more': (stub) => {
      stub.alone = true;
    },
  };

  for (const [what, trouble] of Object.entries(troubles))
    it(`goes on with another client once ${what}`, async (t) => {
      await using scene = new Scene(t, 16);
      const first = scene.stub;
      first.write(0, 0, 3);
      await turns();
      first.assign(0);
      const taken = await scene.takes('0:0', '0:1', '0:2');
      taken.done('0:0');
      scene.stub = new StubClient();
      scene.stub.write(0, 0, 4);
      trouble(first);
      await scene.passes(commitMs);
      await until(
        () => scene.asked.length === 2,
        () => `asked for ${scene.asked.length} clients`,
      );
      assert.ok(first.closed);
      scene.stub.assign(0);
      // What is under way stays so.
      await scene.takes('0:3');
      taken.done();
      await scene.passes(commitMs);
      assert.equal(scene.stub.committed.get(0), 3);
    });

  it('waits for room no longer than it is a member', async (t) => {
    await using scene = new Scene(t, 2);
    const { stub } = scene;
    stub.write(0, 0, 3);
    await turns();
    stub.assign(0);
    await scene.takes('0:0', '0:1');
    scene.stub = new StubClient();
    stub.emit('consumer:heartbeat:error', { error: new Error('lost') });
    await until(
      () => scene.asked.length === 2,
      () => 'it waits',
    );
  });

  it('takes another client after four commits that failed in a row, and no earlier', async (t) => {
    await using scene = new Scene(t, 16);
    const { stub } = scene;
    stub.write(0, 0, 1);
    await turns();
    stub.assign(0);
    const taken = await scene.takes('0:0');
    taken.done();
    stub.refusal = new Error('no answer');
    await scene.passes(3 * commitMs);
    assert.equal(scene.asked.length, 1);
    scene.stub = new StubClient();
    await scene.passes(commitMs);
    await until(
      () => scene.asked.length === 2,
      () => 'it stays with the first',
    );
  });

  it('joins with its own time-outs whoever makes it join', async (t) => {
    await using scene = new Scene(t, 16);
    await turns();
    const [asked] = scene.asked;
    const timeouts = { sessionTimeout: 10_000, rebalanceTimeout: 15_000, heartbeatInterval: 1_000 };
    assert.deepEqual({ ...asked, ...timeouts }, asked);
  });
});
