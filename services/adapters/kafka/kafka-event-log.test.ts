import { after, before, describe } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { eventLogConformance } from '../../ports/event-log.conformance.ts';
import type { EventLogFixture } from '../../ports/event-log-conformance/fixture.ts';
import { KafkaEventLog } from './kafka-event-log.ts';
import { KafkaBroker } from './testing/kafka-broker.ts';
import { testSettings } from './testing/settings.ts';

describe('on a real broker', () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await KafkaBroker.start();
  });
  after(() => broker[Symbol.asyncDispose]());

  async function open(): Promise<EventLogFixture> {
    const settings = testSettings(broker);
    const make = async () => {
      const log = new KafkaEventLog({
        settings,
        log: silentLogger,
        random: () => 0,
        queueBytes: 8 * 1024 * 1024,
      });
      await log.start();
      return log;
    };
    let log = await make();
    return {
      get log() {
        return log;
      },
      async reopen() {
        await log.stop();
        log = await make();
      },
      async [Symbol.asyncDispose]() {
        await log.stop();
      },
    };
  }

  eventLogConformance('Kafka', open);
});
