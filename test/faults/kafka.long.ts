import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Receiver } from '../../services/push/testing/receiver.ts';
import { until } from '../crash/until.ts';
import { KafkaBroker } from '../engines/kafka-broker.ts';
import { quickRetries, WebhooksFile } from '../push/support.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/** Kafka goes away under load: chat does not notice, and every event is told of afterwards. */

const downMs = short ? 10_000 : 60_000;
/** Between an answer and the next message of whoever got it: all that is sent has to be told of one by one. */
const thinkMs = 1_000;
const lateMs = 240_000;

describe('a cluster whose Kafka goes away', () => {
  const stack = new AsyncDisposableStack();
  let broker: KafkaBroker;
  let receiver: Receiver;
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    broker = stack.use(await KafkaBroker.start());
    receiver = stack.use(await Receiver.open());
    const endpoint = { url: receiver.url(), events: ['message.created'], in_flight: 64 };
    const file = stack.use(await WebhooksFile.write(endpoint));
    cluster = stack.use(
      await FaultCluster.start({
        more: { p1: 'push' },
        env: {
          ...quickRetries,
          PARLEY_KAFKA_BROKERS: broker.address,
          PARLEY_KAFKA_PARTITIONS: '6',
          PARLEY_WEBHOOKS: file.path,
        },
      }),
    );
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  test(`is killed, and back after ${downMs / 1000} s: chat goes on`, async (t) => {
    const round = await run.round(async () => {
      run.traffic.thinkMs = thinkMs;
      await broker.kill();
      const [sent, told] = [run.traffic.sent, receiver.received.length];
      await pause(downMs);
      t.diagnostic(
        `meanwhile ${run.traffic.sent - sent} messages were sent and ${receiver.received.length - told} told of`,
      );
      await broker.restart();
    });
    told(t, round);
  });

  test('every message is told of in the end', async (t) => {
    const { store } = await verdict(t, run);
    const wanted = new Set(
      store.flatMap(({ convId, entries }) =>
        entries.filter(({ content }) => content.t === 'message').map(({ seq }) => `${convId} ${seq}`),
      ),
    );
    const missing = (): string[] => {
      const got = new Set(
        receiver.received.map(({ data }) => `${String(data['conv_id'])} ${String(data['seq'])}`),
      );
      return [...wanted].filter((one) => !got.has(one));
    };
    const startedAt = performance.now();
    let [left, count] = [missing(), 0];
    await until(
      () => {
        if (receiver.received.length !== count) {
          count = receiver.received.length;
          if (count >= wanted.size) left = missing();
        }
        return left.length === 0;
      },
      lateMs,
      () => `${missing().length} of ${wanted.size} are not told of: ${missing().slice(0, 10).join(', ')}`,
    );
    const again = receiver.received.length - new Set(receiver.ids).size;
    t.diagnostic(
      `${wanted.size} messages were told of, the last one ${Math.round(performance.now() - startedAt)} ms after everybody had everything; ${again} more than once`,
    );
    assert.ok(wanted.size > 0);
  });
});
