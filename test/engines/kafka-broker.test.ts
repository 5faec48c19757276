import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { KafkaBroker } from './kafka-broker.ts';

describe('Kafka', () => {
  it('keeps topics and records, and its port, when it is killed, frozen and restarted', async () => {
    await using broker = await KafkaBroker.start();
    await broker.ask((admin) => admin.createTopics({ topics: ['events'], partitions: 3 }));
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [broker.address],
      serializers: stringSerializers,
    });
    const send = () => producer.send({ messages: [{ topic: 'events', partition: 1, value: 'x' }], acks: -1 });
    const end = async () => {
      const [topic] = await broker.ask((admin) =>
        admin.listOffsets({
          topics: [{ name: 'events', partitions: [{ partitionIndex: 1, timestamp: -1n }] }],
        }),
      );
      return topic?.partitions[0]?.offset;
    };
    try {
      await send();
      await broker.kill();
      await assert.rejects(broker.ask((admin) => admin.listTopics()));
      await broker.restart();
      assert.equal(await end(), 1n);
      broker.freeze();
      await assert.rejects(broker.ask((admin) => admin.listTopics()));
      broker.thaw();
      await send();
      assert.equal(await end(), 2n);
    } finally {
      await producer.close();
    }
  });

  it('does not make topics up', async () => {
    await using broker = await KafkaBroker.start();
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [broker.address],
      serializers: stringSerializers,
      autocreateTopics: true,
      retries: 1,
    });
    try {
      await assert.rejects(producer.send({ messages: [{ topic: 'misspelt', value: 'x' }] }));
      assert.deepEqual(await broker.ask((admin) => admin.listTopics()), []);
    } finally {
      await producer.close();
    }
  });
});
