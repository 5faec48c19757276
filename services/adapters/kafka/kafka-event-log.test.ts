import { after, before, describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import { silentLogger } from '../../core/log.ts';
import { eventLogConformance } from '../../ports/event-log.conformance.ts';
import { type EventLogFixture, events, Heard } from '../../ports/event-log-conformance/fixture.ts';
import { KafkaEventLog } from './kafka-event-log.ts';
import type { KafkaSettings } from './kafka-client.ts';
import { KafkaBroker } from './testing/kafka-broker.ts';
import { testSettings } from './testing/settings.ts';

describe('on a real broker', () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await KafkaBroker.start();
  });
  after(() => broker[Symbol.asyncDispose]());

  async function make(settings: KafkaSettings): Promise<KafkaEventLog> {
    const log = new KafkaEventLog({
      settings,
      log: silentLogger,
      random: () => 0,
      queueBytes: 8 * 1024 * 1024,
    });
    await log.start();
    return log;
  }

  async function open(): Promise<EventLogFixture> {
    const settings = testSettings(broker);
    let log = await make(settings);
    return {
      get log() {
        return log;
      },
      async reopen() {
        await log.stop();
        log = await make(settings);
      },
      async [Symbol.asyncDispose]() {
        await log.stop();
      },
    };
  }

  eventLogConformance('Kafka', open);

  it('has members of a group hear of everything between them, while one comes and goes', async () => {
    const settings = testSettings(broker);
    const convs = Array.from({ length: 12 }, (_, no) => `conv-${no}`);
    const log = await make(settings);
    const [stays, comes] = [new Heard(), new Heard()];
    const publish = async (from: number) => {
      for (const conv of convs) await log.publish(events(conv, from, from + 9));
    };
    const heard = async (count: number) => {
      const missing = () =>
        convs.filter((conv) => new Set([...stays.texts(conv), ...comes.texts(conv)]).size < count);
      await until(
        () => missing().length === 0,
        () => `not all was heard of ${missing().join(' ')}`,
      );
    };
    // What is under way at the one that stays when its partitions go, and when they come back.
    let held = Promise.withResolvers<void>();
    try {
      await publish(0);
      await stays.consume(log, {}, () => held.promise);
      await stays.until(() => stays.events.length >= 16);
      const other = await make(settings);
      try {
        await comes.consume(other);
        await comes.until(() => comes.events.length > 0);
        await publish(10);
        held.resolve();
        await heard(20);
        held = Promise.withResolvers();
        await publish(20);
      } finally {
        await other.stop();
      }
      await publish(30);
      held.resolve();
      await heard(40);
    } finally {
      held.resolve();
      await log.stop();
    }
  });
});
