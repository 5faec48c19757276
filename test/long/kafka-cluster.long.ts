import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Consumer } from '@platformatic/kafka';
import { clientOptions, discard, type KafkaSettings } from '../../services/adapters/kafka/kafka-client.ts';
import { KafkaEventLog } from '../../services/adapters/kafka/kafka-event-log.ts';
import { testSettings } from '../../services/adapters/kafka/testing/settings.ts';
import { eventsTopic } from '../../services/adapters/kafka/topics.ts';
import { silentLogger } from '../../services/core/log.ts';
import { events, Heard, texts } from '../../services/ports/event-log-conformance/fixture.ts';
import { until } from '../e2e/support/until.ts';
import { KafkaCluster } from '../engines/kafka-cluster.ts';

/** As members of a group ask for it: `PREFIX.test`. */
const group = 'test';

describe('Kafka with three brokers', () => {
  let cluster: KafkaCluster;
  before(async () => {
    cluster = await KafkaCluster.start();
  });
  after(() => cluster[Symbol.asyncDispose]());

  /** For a topic and a group of its own. */
  const newSettings = (): KafkaSettings =>
    testSettings(
      { brokers: cluster.addresses },
      { partitions: 1, replicas: 3, minInSyncReplicas: 2, publishTimeoutMs: 30_000 },
    );

  async function open(settings: KafkaSettings): Promise<KafkaEventLog> {
    const log = new KafkaEventLog({
      settings,
      log: silentLogger,
      random: Math.random,
      queueBytes: 8 * 1024 * 1024,
    });
    await log.start();
    return log;
  }

  /** By a client of its own. */
  async function asked<T>(
    settings: KafkaSettings,
    question: (client: Consumer, topic: string) => Promise<T>,
  ): Promise<T> {
    const client = new Consumer({
      ...(await clientOptions(settings)),
      groupId: `${settings.prefix}.${group}`,
    });
    try {
      return await question(client, eventsTopic(settings).name);
    } finally {
      await discard(client);
    }
  }

  interface Places {
    readonly leader: number;
    readonly coordinator: number;
  }

  /** The broker that leads the one partition, and the one that keeps the book of the group, once there are both. */
  async function placesOf(settings: KafkaSettings): Promise<Places> {
    let [places, why]: [Places | undefined, unknown] = [undefined, 'the partition has no leader'];
    const look = (client: Consumer, topic: string) =>
      client.metadata({ topics: [topic] }).then(async ({ topics }) => {
        const leader = topics.get(topic)?.partitions[0]?.leader ?? -1;
        if (leader >= 0) places = { leader, coordinator: await client.findGroupCoordinator() };
      });
    await until(
      async () => {
        await asked(settings, look).catch((error: unknown) => {
          why = error;
        });
        return places !== undefined;
      },
      () => String(why),
    );
    return places as unknown as Places;
  }

  /** How far the group is, as it is written down. */
  const markOf = (settings: KafkaSettings) =>
    asked(settings, async (client, topic) => {
      const marks = await client.listCommittedOffsets({ topics: [{ topic, partitions: [0] }] });
      return Number(marks.get(topic)?.[0] ?? -1n);
    });

  it('a member whose coordinator is gone goes on with the next one, and has its place written down', async () => {
    let settings = newSettings();
    let log = await open(settings);
    let places = await placesOf(settings);
    // Where both are one broker, reading fails along with the group.
    while (places.leader === places.coordinator) {
      await log.stop();
      settings = newSettings();
      log = await open(settings);
      places = await placesOf(settings);
    }
    const heard = new Heard();
    await heard.consume(log);
    await log.publish(events('g', 1, 10));
    await heard.until(() => heard.first('g').length === 10);
    const lost = cluster.brokers.get(places.coordinator);
    assert.ok(lost !== undefined);
    await lost.kill();
    await log.publish(events('g', 11, 20));
    await heard.until(() => heard.first('g').length === 20);
    await log.publish(events('g', 21, 30));
    await heard.until(() => heard.first('g').length === 30);
    let mark = -1;
    await until(
      async () => {
        mark = await markOf(settings).catch(() => -1);
        return mark === 30;
      },
      () => `written down is ${mark}`,
      90_000,
    );
    assert.notEqual((await placesOf(settings)).coordinator, places.coordinator);
    await log.stop();
    assert.deepEqual(heard.first('g'), texts(1, 30));
    log = await open(settings);
    const next = new Heard();
    await next.consume(log);
    await log.publish(events('g', 31, 35));
    await next.until(() => next.texts('g').includes('35'));
    assert.deepEqual(next.texts('g'), texts(31, 35), 'what was done was written down');
    await log.stop();
    await lost.restart();
  });
});
