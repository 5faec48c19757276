import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { Admin } from '@platformatic/kafka';
import { silentLogger } from '../../services/core/log.ts';
import { EventLogError, type LogEvent } from '../../services/ports/event-log.ts';
import { event, events, Heard, texts } from '../../services/ports/event-log-conformance/fixture.ts';
import { KafkaEventLog } from '../../services/adapters/kafka/kafka-event-log.ts';
import { clientOptions, type KafkaSettings } from '../../services/adapters/kafka/kafka-client.ts';
import { Publisher } from '../../services/adapters/kafka/publisher.ts';
import { KafkaBroker, saslUser } from '../../services/adapters/kafka/testing/kafka-broker.ts';
import { testSettings } from '../../services/adapters/kafka/testing/settings.ts';
import { until } from '../e2e/support/until.ts';

class OpenLog implements AsyncDisposable {
  readonly log: KafkaEventLog;

  private constructor(settings: KafkaSettings) {
    this.log = new KafkaEventLog({
      settings,
      log: silentLogger,
      random: Math.random,
      queueBytes: 8 * 1024 * 1024,
    });
  }

  static async start(settings: KafkaSettings): Promise<OpenLog> {
    const open = new OpenLog(settings);
    await open.log.start();
    return open;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.stop();
  }
}

/** Publishes until it is taken, in order, as the relay does; tells of each refusal. */
async function insist(
  log: KafkaEventLog,
  batch: readonly LogEvent[],
  refused: (error: EventLogError) => void = () => {},
): Promise<void> {
  for (;;) {
    try {
      await log.publish(batch);
      return;
    } catch (error) {
      assert.ok(error instanceof EventLogError && error.retryable, String(error));
      refused(error);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('Kafka with a broker that fails', () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await KafkaBroker.start();
  });
  after(() => broker[Symbol.asyncDispose]());

  it('loses nothing and keeps each order through kills and freezes of the broker', async () => {
    await using open = await OpenLog.start(testSettings(broker, { publishTimeoutMs: 2_000 }));
    const { log } = open;
    const heard = new Heard();
    await heard.consume(log, { window: 64 });
    let stop = false;
    let count = 0;
    let failures = 0;
    const publishing = (async () => {
      while (!stop) {
        // Not further ahead than this, or the rest of the test would be catching up.
        await heard.until(() => stop || heard.first('a').length > count - 200);
        const next = count + 1;
        const batch = ['a', 'b', 'c', 'd'].flatMap((convId) => events(convId, next, next + 4));
        await insist(log, batch, (error) => {
          if (stop) throw error;
          failures += 1;
        });
        count += 5;
      }
    })();
    await using _ = {
      async [Symbol.asyncDispose]() {
        stop = true;
        await publishing.catch(() => {});
      },
    };
    await heard.until(() => heard.first('a').length >= 50);
    await broker.kill();
    // Without a broker for longer than a publish may take: it is refused, and published again.
    const before = failures;
    await until(
      () => failures > before,
      () => 'nothing was refused',
    );
    await broker.restart();
    const restarted = count + 50;
    await heard.until(() => heard.first('a').length >= restarted);
    broker.freeze();
    const frozen = failures;
    await until(
      () => failures > frozen,
      () => 'nothing was refused',
    );
    broker.thaw();
    const thawed = count + 50;
    await heard.until(() => heard.first('a').length >= thawed);
    stop = true;
    await publishing;
    await heard.until(() => ['a', 'b', 'c', 'd'].every((convId) => heard.first(convId).length === count));
    for (const convId of ['a', 'b', 'c', 'd']) assert.deepEqual(heard.first(convId), texts(1, count));
  });

  it('refuses in bounded time while there is no broker, and takes the same events afterwards', async () => {
    await using open = await OpenLog.start(testSettings(broker, { publishTimeoutMs: 500 }));
    const { log } = open;
    await log.publish([event('a', '1')]);
    await broker.kill();
    const refused = await Promise.allSettled([
      log.publish([event('a', '2')]),
      log.publish([event('a', '3')]),
    ]);
    for (const outcome of refused) {
      assert.equal(outcome.status, 'rejected');
      assert.ok(outcome.reason instanceof EventLogError && outcome.reason.kind === 'unavailable');
    }
    await broker.restart();
    for (const no of ['2', '3']) await insist(log, [event('a', no)]);
    const heard = new Heard();
    await heard.consume(log);
    await heard.until(() => heard.first('a').length === 3);
    assert.deepEqual(heard.first('a'), ['1', '2', '3']);
  });

  it('members of a group share the partitions, and one takes over from another that goes', async () => {
    const settings = testSettings(broker);
    await using one = await OpenLog.start(settings);
    await using other = await OpenLog.start(settings);
    const [first, second] = [new Heard(), new Heard()];
    const convIds = Array.from({ length: 12 }, (_, i) => `conv-${i}`);
    const all = (from: number, to: number) => convIds.flatMap((convId) => events(convId, from, to));
    await first.consume(one.log);
    await one.log.publish(all(1, 10));
    await first.until(() => convIds.every((convId) => first.first(convId).length === 10));
    await second.consume(other.log);
    // Until the other has its share.
    for (let no = 11; second.events.length === 0; no++) await one.log.publish(all(no, no));
    await one.log.publish(all(1_000, 1_009));
    const both = (convId: string) => new Set([...first.texts(convId), ...second.texts(convId)]);
    const has = (convId: string, texts: readonly string[]) => texts.every((text) => both(convId).has(text));
    await one[Symbol.asyncDispose]();
    await other.log.publish(all(2_000, 2_009));
    await second.until(() => convIds.every((convId) => second.first(convId).includes('2009')));
    for (const convId of convIds) {
      assert.ok(has(convId, [...texts(1, 10), ...texts(1_000, 1_009), ...texts(2_000, 2_009)]), convId);
    }
  });

  it('goes on at the oldest event there is when those it would read next are gone, counted', async () => {
    const settings = testSettings(broker, { partitions: 1 });
    await using open = await OpenLog.start(settings);
    await open.log.publish(events('a', 1, 20));
    const before = new Heard();
    const consumer = await before.consume(open.log);
    await before.until(() => before.first('a').length === 20);
    await consumer.drain(10_000);
    await consumer.stop();
    await open.log.publish(events('a', 21, 60));
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: broker.brokers });
    await admin.deleteRecords({
      topics: [{ name: `${settings.prefix}.events`, partitions: [{ partition: 0, offset: 50n }] }],
    });
    await admin.close();
    const after = new Heard();
    const next = await after.consume(open.log);
    await after.until(() => after.first('a').length === 10);
    assert.deepEqual(after.first('a'), texts(51, 60));
    assert.equal(next.meters.skipped, 30);
  });

  it('speaks TLS and SASL, and is refused without', async () => {
    const caFile = fileURLToPath(new URL('../../services/grpc/testdata/ca.pem', import.meta.url));
    const secured = testSettings(broker, {
      brokers: broker.saslBrokers,
      tls: true,
      caFile,
      sasl: 'PLAIN',
      ...saslUser,
    });
    await using open = await OpenLog.start(secured);
    await open.log.publish([event('a', '1')]);
    const heard = new Heard();
    await heard.consume(open.log);
    await heard.until(() => heard.events.length === 1);
    // The same topic, which takes more from who may: only what is wrong is different.
    for (const wrong of [{ password: 'wrong' }, { caFile: '' }, { tls: false }]) {
      const publisher = new Publisher({
        options: await clientOptions({ ...secured, ...wrong }),
        timeoutMs: 1_000,
        queueBytes: 1_000,
        random: Math.random,
        failed() {},
      });
      const record = { topic: `${secured.prefix}.events`, key: 'a', value: Buffer.from('stranger') };
      await assert.rejects(publisher.publish([record]), EventLogError);
      await publisher.stop();
    }
    await open.log.publish([event('a', '2')]);
    await heard.until(() => heard.first('a').includes('2'));
    assert.deepEqual(heard.first('a'), ['1', '2']);
  });

  it('starts without a broker, and makes its topic when there is one', async () => {
    await broker.kill();
    await using open = await OpenLog.start(testSettings(broker, { publishTimeoutMs: 500 }));
    await assert.rejects(open.log.publish([event('a', '1')]), EventLogError);
    const heard = new Heard();
    await heard.consume(open.log);
    await broker.restart();
    await insist(open.log, [event('a', '1')]);
    await heard.until(() => heard.first('a').length === 1);
  });
});
