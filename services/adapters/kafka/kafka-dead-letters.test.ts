import { after, before, describe } from 'node:test';
import { deadLettersConformance, type DeadLettersFixture } from '../../ports/dead-letters.conformance.ts';
import { KafkaDeadLetters } from './kafka-dead-letters.ts';
import { KafkaBroker } from './testing/kafka-broker.ts';
import { testSettings } from './testing/settings.ts';

describe('on a real broker', () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await KafkaBroker.start();
  });
  after(() => broker[Symbol.asyncDispose]());

  deadLettersConformance('a compacted topic', async (limit): Promise<DeadLettersFixture> => {
    const init = { settings: testSettings(broker), limit, random: Math.random };
    let letters = await KafkaDeadLetters.open(init);
    return {
      get letters() {
        return letters;
      },
      async reopen() {
        await letters.close();
        letters = await KafkaDeadLetters.open(init);
      },
      async [Symbol.asyncDispose]() {
        await letters.close();
      },
    };
  });
});
