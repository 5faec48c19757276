import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KafkaBroker } from '../engines/kafka-broker.ts';
import { until } from '../e2e/support/until.ts';
import { Clients, groupsOnBoth, headOf, talk, textsOf, until as happened } from './support/clients.ts';
import { Cluster, insist } from './support/cluster.ts';
import { CommittedEvents } from './support/committed.ts';

/** What is committed by a message node that dies at once reaches everybody: its receivers, and Kafka. */

let stack: AsyncDisposableStack;
let broker: KafkaBroker;
let cluster: Cluster;
let clients: Clients;
let committed: CommittedEvents;

before(async () => {
  stack = new AsyncDisposableStack();
  broker = stack.use(await KafkaBroker.start());
  const env = { PARLEY_KAFKA_BROKERS: `127.0.0.1:${broker.port}`, PARLEY_KAFKA_PUBLISH_TIMEOUT_MS: '2000' };
  cluster = stack.use(await Cluster.start({ env }));
  clients = stack.use(new Clients(cluster));
  committed = stack.use(await CommittedEvents.open(cluster.env));
});
after(() => stack.disposeAsync());

/** Kafka was told of every entry of the conversation. */
async function published(convId: string, head: number): Promise<void> {
  const missing = () =>
    Array.from({ length: head }, (_, at) => at + 1).filter((seq) => !committed.seqs(convId).has(seq));
  await until(
    () => missing().length === 0,
    () => `Kafka was not told of ${convId} ${missing().join(' ')}`,
    60_000,
  );
}

describe('a message node that dies between its commit and its fan-out', () => {
  for (const failpoint of ['afterCommit', 'beforeFanout'])
    test(`I5: under load (${failpoint}): everybody gets everything, and so does Kafka`, async (t) => {
      const [ann, bob] = [
        await clients.online(`ann ${failpoint}`, 'e1'),
        await clients.online(`bob ${failpoint}`, 'e2'),
      ];
      const ids = await groupsOnBoth(ann, [bob.userId]);
      const stops = ids.flatMap((id) => [talk(ann, id, 5), talk(bob, id, 5)]);
      t.after(() => stops.forEach((stop) => stop()));
      await happened(ann, () => ids.every((id) => headOf(ann, id) > 20));
      const victim = cluster.get('m1');
      await victim.kill();
      await victim.start({ PARLEY_FAILPOINTS: `${failpoint}=crash@30` });
      await victim.gone();
      const heads = ids.map((id) => headOf(ann, id));
      await happened(ann, () => ids.every((id, at) => headOf(ann, id) > (heads[at] as number) + 20));
      const sent = stops.map((stop) => stop());
      for (const [at, id] of ids.entries()) {
        for (const client of [ann, bob]) await happened(client, () => client.log(id).pending.length === 0);
        const log = await cluster.textsOf('e1', ann.userId, id);
        const all = [...(sent[2 * at] as string[]), ...(sent[2 * at + 1] as string[])];
        assert.deepEqual(log.filter(Boolean).toSorted(), all.toSorted());
        for (const client of [ann, bob]) {
          await happened(client, () => headOf(client, id) === log.length);
          const { items } = client.log(id);
          // The client holds the newest; they are the log's, without a hole and without a repeat.
          assert.deepEqual(
            items.map(({ seq }) => seq),
            items.map((_, place) => log.length - items.length + 1 + place),
          );
          assert.deepEqual(textsOf(client, id), log.slice(-items.length).filter(Boolean));
        }
        await published(id, log.length);
      }
      await victim.start();
    });

  test('I5: and nobody asks again: its receiver gets the message all the same, and Kafka hears of it', async () => {
    const dave = await clients.online('dave', 'e2');
    const senders = Array.from({ length: 12 }, (_, no) => `lone ${no}`);
    for (const sender of senders)
      await insist(() => cluster.send('e1', sender, { to: 'dave' }, `${sender} 0`));
    const convs = new Map<string, string>();
    for (const sender of senders) convs.set(sender, await dave.direct(sender));
    const conv = (sender: string) => convs.get(sender) as string;
    await happened(dave, () => senders.every((sender) => headOf(dave, conv(sender)) === 1));
    const victim = cluster.get('m1');
    await victim.kill();
    // It joins, takes its share, and dies of its first commit: only the sender who met it knows nothing.
    await victim.start({ PARLEY_FAILPOINTS: 'afterCommit=crash@1' });
    const refused: { readonly sender: string; readonly text: string }[] = [];
    for (let no = 1; victim.running; no += 1)
      for (const sender of senders) {
        if (!victim.running) break;
        const text = `${sender} ${no}`;
        await cluster.send('e1', sender, { to: 'dave' }, text).catch(() => refused.push({ sender, text }));
      }
    // Of those that were refused one was committed, and nobody asks for it: it comes by itself.
    await happened(dave, () =>
      refused.some(({ sender, text }) => textsOf(dave, conv(sender)).includes(text)),
    );
    for (const sender of senders) {
      const texts = await cluster.textsOf('e1', 'dave', conv(sender));
      await happened(dave, () => headOf(dave, conv(sender)) >= texts.length);
      assert.deepEqual(textsOf(dave, conv(sender)), texts);
      await published(conv(sender), texts.length);
    }
    await victim.start();
  });
});

describe('a message node that is frozen until it is taken for dead', () => {
  test('I5: goes on under another name, and what it left is adopted', async (t) => {
    const [gil, hal] = [await clients.online('gil', 'e1'), await clients.online('hal', 'e2')];
    const ids = await groupsOnBoth(gil, ['hal']);
    const stops = ids.map((id) => talk(gil, id, 5));
    t.after(() => stops.forEach((stop) => stop()));
    await happened(hal, () => ids.every((id) => headOf(hal, id) > 20));
    // It has its share, and commits.
    const committing = () => cluster.metric('m1', 'chat_entries_committed_total');
    await until(
      async () => (await committing()) > 0,
      () => 'm1 owns nothing',
    );
    const adopted = () => cluster.metric('m2', 'chat_outbox_adopted_total');
    const before = await adopted();
    cluster.get('m1').freeze();
    await until(
      async () => (await adopted()) > before,
      () => 'nothing was adopted',
    );
    cluster.get('m1').thaw();
    const heads = ids.map((id) => headOf(hal, id));
    await happened(hal, () => ids.every((id, at) => headOf(hal, id) > (heads[at] as number) + 20));
    const sent = stops.map((stop) => stop());
    for (const [at, id] of ids.entries()) {
      await happened(gil, () => gil.log(id).pending.length === 0);
      const log = await cluster.textsOf('e1', 'gil', id);
      assert.deepEqual(log.filter(Boolean), sent[at]);
      await happened(hal, () => headOf(hal, id) === log.length);
      const { items } = hal.log(id);
      assert.deepEqual(textsOf(hal, id), log.slice(-items.length).filter(Boolean));
      await published(id, log.length);
    }
    // All that is published and forwarded goes: nothing is held up for ever by what happened.
    for (const name of ['m1', 'm2'])
      await until(
        async () =>
          (await cluster.metric(name, 'chat_outbox_rows')) +
            (await cluster.metric(name, 'chat_outbox_held_rows')) ===
          0,
        () => `${name} keeps rows`,
      );
  });
});

describe('a cluster without Kafka for a while', () => {
  test('chats on, starts nodes, and tells of everything later, also of what a dead node left', async (t) => {
    const [eve, fay] = [await clients.online('eve', 'e1'), await clients.online('fay', 'e2')];
    const ids = await groupsOnBoth(eve, ['fay']);
    await broker.kill();
    const stops = ids.map((id) => talk(eve, id, 5));
    t.after(() => stops.forEach((stop) => stop()));
    const grown = async (by: number) => {
      const heads = ids.map((id) => headOf(fay, id));
      await happened(fay, () => ids.every((id, at) => headOf(fay, id) > (heads[at] as number) + by));
    };
    await grown(20);
    const victim = cluster.get('m2');
    await victim.kill();
    await grown(20);
    await victim.start();
    await grown(20);
    for (const stop of stops) stop();
    for (const id of ids) await happened(eve, () => eve.log(id).pending.length === 0);
    await broker.restart();
    for (const id of ids) await published(id, headOf(eve, id));
  });
});
