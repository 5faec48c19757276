import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { KafkaBroker } from '../../services/adapters/kafka/testing/kafka-broker.ts';
import { Receiver } from '../../services/push/testing/receiver.ts';
import { parley } from '../e2e/support/server-process.ts';
import { until } from '../e2e/support/until.ts';
import { TestServer } from '../helpers/server.ts';
import { quickRetries, rest, WebhooksFile } from './support.ts';

describe('webhooks by way of Kafka', () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await KafkaBroker.start();
  });
  after(() => broker[Symbol.asyncDispose]());

  it('come late, in order and all when the broker was gone, and chat does not notice', async () => {
    await using receiver = await Receiver.open();
    await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] });
    await using server = await TestServer.start({
      PARLEY_WEBHOOKS: file.path,
      PARLEY_KAFKA_BROKERS: broker.brokers.join(','),
      PARLEY_KAFKA_PREFIX: `test-${randomUUID()}`,
      PARLEY_KAFKA_PUBLISH_TIMEOUT_MS: '1000',
    });
    const { http } = server.ports;
    const send = (content: string) => rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content });
    await rest(http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: [] });
    await send('2');
    await receiver.until(() => receiver.received.length === 1);
    await broker.kill();
    for (let no = 3; no <= 20; no++) await send(`${no}`);
    await broker.restart();
    await send('21');
    await receiver.until(() => new Set(receiver.ids).size === 20);
    const seqs = [...new Set(receiver.received.map(({ data }) => data['seq']))];
    assert.deepEqual(
      seqs,
      Array.from({ length: 20 }, (_, i) => i + 2),
    );
  });

  it('that are given up are dead letters in a topic, for the command line anywhere', async () => {
    let broken = true;
    await using receiver = await Receiver.open(
      (_, response) => void response.writeHead(broken ? 500 : 204).end(),
    );
    await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] });
    const env = {
      ...quickRetries,
      PARLEY_WEBHOOKS: file.path,
      PARLEY_WEBHOOK_ATTEMPTS: '2',
      PARLEY_KAFKA_BROKERS: broker.brokers.join(','),
      PARLEY_KAFKA_PREFIX: `test-${randomUUID()}`,
    };
    await using server = await TestServer.start(env);
    const { http } = server.ports;
    await rest(http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: [] });
    await rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content: 'x' });
    await receiver.until(() => receiver.received.length === 2);
    const own = { ...env, PARLEY_MODE: 'development', PARLEY_DATA_DIR: file.directory };
    await until(
      async () => (await parley(['dead-letters', 'list'], own)).includes(receiver.ids[0] as string),
      () => 'there is no letter',
    );
    broken = false;
    assert.match(await parley(['dead-letters', 'replay'], own), /delivered/);
    assert.equal(await parley(['dead-letters', 'list'], own), '');
  });
});
