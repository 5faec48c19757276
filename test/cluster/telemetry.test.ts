import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { allMetrics } from '../../scripts/metrics-page.ts';
import { logFields } from '../../services/core/log-fields.ts';
import { Receiver } from '../../services/push/testing/receiver.ts';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../engines/free-port.ts';
import { kafka } from '../engines/shared.ts';
import { quickRetries, WebhooksFile } from '../push/support.ts';
import { Cluster, insist } from './support/cluster.ts';
import { Collector, has } from './support/collector.ts';
import { LogFiles } from './support/log-files.ts';
import { userToken } from './support/tokens.ts';
import { TracedSocket } from './support/traced-socket.ts';

/** A cluster of processes whose every command is traced: what its traces, its logs and its metrics say. */

const roles = {
  m1: 'message',
  m2: 'message',
  g1: 'group',
  e1: 'bridge,connection',
  c2: 'connection',
  b2: 'bridge',
  p1: 'push',
};

/** No word that is anywhere else. */
const content = 'zwetschgendatschi';

let stack: AsyncDisposableStack;
let cluster: Cluster;
let collector: Collector;
let receiver: Receiver;
let logs: LogFiles;
let ann: TracedSocket;
let bob: TracedSocket;

before(async () => {
  stack = new AsyncDisposableStack();
  const topics = stack.adopt(await kafka(), (own) => insist(async () => own[Symbol.asyncDispose]()));
  collector = stack.use(await Collector.open());
  receiver = stack.use(await Receiver.open());
  logs = stack.use(await LogFiles.open());
  const events = ['message.created', 'message.recalled', 'message.offline', 'group.member_added'];
  const webhooks = stack.use(await WebhooksFile.write({ name: 'app', url: receiver.url(), events }));
  const port = await freePort();
  cluster = stack.use(
    await Cluster.start({
      roles,
      env: {
        ...quickRetries,
        PARLEY_KAFKA_BROKERS: topics.brokers.join(','),
        PARLEY_KAFKA_PREFIX: topics.prefix,
        PARLEY_KAFKA_PARTITIONS: '2',
        PARLEY_WEBHOOKS: webhooks.path,
        PARLEY_WEBHOOK_OFFLINE_INTERVAL_MS: '100',
        PARLEY_TRACE_ENDPOINT: collector.url,
        PARLEY_TRACE_RATIO: '1',
        PARLEY_TRACE_CLIENTS: 'all',
        PARLEY_LOG_LEVEL: 'debug',
      },
      prefixOf: (name) => logs.prefixOf(name),
      envOf: (name): Readonly<Record<string, string>> => ({
        ...(name === 'c2' && { PARLEY_NODE_PORT: `${port}` }),
        ...(name === 'b2' && { PARLEY_UPSTREAM: `http://127.0.0.1:${port}` }),
      }),
    }),
  );
  ann = stack.use(await TracedSocket.open(cluster, 'b2', 'ann'));
  bob = stack.use(await TracedSocket.open(cluster, 'e1', 'bob'));
});
after(() => stack.disposeAsync());

/** A trace of a client's own, and how it names it. */
function clientTrace() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

/** Makes a group by REST at an edge, and answers its id. */
async function group(edge: string, owner: string, members: readonly string[], more = {}): Promise<string> {
  const body = { name: 'Team', members, ...more };
  const answer = await insist(async () => {
    const response = await cluster.ask(edge, '/api/v1/groups', await userToken(owner), body);
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as { group_id: string };
  });
  return answer.group_id;
}

/** Which message node does the work of a conversation, as its spans say. */
async function ownerOf(convId: string): Promise<string> {
  return (await collector.find('message send', { 'parley.conv_id': convId })).node;
}

const isMessageNode = (node: string): boolean => node === 'm1' || node === 'm2';

let lastId = 100;
function nextId(): number {
  lastId += 1;
  return lastId;
}

describe('the trace of a message', () => {
  test('leads from its socket through all nodes to the sockets of its receivers and to the webhook', async () => {
    const convId = await group('b2', 'ann', ['bob']);
    // Whatever the group's making has to tell is told.
    await Promise.all([ann.entry(convId, 1), bob.entry(convId, 1)]);
    const id = nextId();
    ann.say({ id, send: { convId, clientId: 'c1', body: { text: `${content} 1` } } });
    await ann.answer(id);
    await bob.entry(convId, 2);
    await receiver.until(() => receiver.received.some(isOf(convId, 2)));
    const send = await collector.find('command send', { 'parley.conv_id': convId, 'parley.seq': 2 });
    await collector.find('webhook deliver', { 'parley.webhook': idOf(convId, 2) });
    const m = await ownerOf(convId);
    assert.ok(isMessageNode(m), m);
    const trace = () => collector.trace(send.traceId);
    const expected = [
      'frame receive @b2',
      '  command send @c2',
      `    message send @${m}`,
      `      batch @${m}`,
      `        conversations load @${m}`,
      `        evaluate @${m}`,
      `        store commit @${m}`,
      `          store seal @${m}`,
      `          store write @${m}`,
      `      event publish @${m}`,
      '        webhook deliver @p1',
      '          webhook POST @p1',
      `      fan-out @${m}`,
      '        entry deliver @c2',
      '          frame write @b2',
      '        entry deliver @e1',
      '          frame write @e1',
      `      lane wait @${m}`,
    ];
    await until(
      () => trace().spans.length >= expected.length,
      () => trace().tree.join('\n'),
    );
    assert.deepEqual(trace().tree, expected);
    const { spans } = trace();
    const named = (name: string) => spans.filter((span) => span.name === name);
    const [owned] = named('message send');
    assert.deepEqual(
      named('batch')[0]?.links.map(({ spanId }) => spanId),
      [owned?.spanId],
    );
    assert.ok(spans.every(({ failed }) => !failed));
    for (const { name, startNs, endNs } of spans) assert.ok(startNs <= endNs, name);
    // A part lies within what it is a part of, where both are of one process.
    for (const [inner, outer] of [
      ['store write', 'store commit'],
      ['store commit', 'batch'],
      ['evaluate', 'batch'],
    ] as const) {
      const [[within], [around]] = [named(inner), named(outer)];
      assert.ok(within !== undefined && around !== undefined);
      assert.ok(within.startNs >= around.startNs && within.endNs <= around.endNs, `${inner} in ${outer}`);
    }
    assert.ok(has(named('message send')[0]!, { 'parley.seq': 2, 'parley.duplicate': false }));
    assert.ok(named('entry deliver').every((span) => has(span, { 'parley.sessions': 1, 'parley.seq': 2 })));
    const kinds = new Map(spans.map(({ name, kind }) => [name, kind]));
    assert.deepEqual(
      ['frame receive', 'message send', 'fan-out', 'entry deliver', 'webhook POST'].map((name) =>
        kinds.get(name),
      ),
      [2, 2, 4, 5, 3],
    );
    const [posted] = named('webhook POST');
    const told = receiver.received.find(isOf(convId, 2));
    assert.equal(told?.headers['traceparent'], `00-${send.traceId}-${posted?.spanId}-01`);
  });

  test('of two that one batch commits, each knows of the batch', async () => {
    const convId = await group('e1', 'bob', ['ann']);
    await bob.entry(convId, 1);
    const [one, two] = [nextId(), nextId()];
    const send = (id: number) => ({ id, send: { convId, clientId: `c${id}`, body: { text: content } } });
    bob.say(send(one), send(two));
    await Promise.all([bob.answer(one), bob.answer(two)]);
    const spans = await Promise.all(
      [2, 3].map((seq) => collector.find('message send', { 'parley.conv_id': convId, 'parley.seq': seq })),
    );
    const [first, second] = spans;
    assert.ok(first !== undefined && second !== undefined);
    // One frame brought both.
    assert.equal(first.traceId, second.traceId);
    let batch = collector.spans.find(({ name, parentId }) => name === 'batch' && parentId === first.spanId);
    await until(
      () => {
        batch = collector.spans.find(({ name, parentId }) => name === 'batch' && parentId === first.spanId);
        return batch !== undefined;
      },
      () => 'no batch',
    );
    assert.deepEqual(
      batch?.links.map(({ spanId }) => spanId),
      [first.spanId, second.spanId],
    );
    assert.deepEqual(
      second.links.map(({ spanId }) => spanId),
      [batch?.spanId],
    );
  });

  test('is its client’s own, where it brings one by hello or with a command', async () => {
    const [session, command] = [clientTrace(), clientTrace()];
    await using cyd = await TracedSocket.open(cluster, 'b2', 'cyd', { traceparent: session.traceparent });
    const [one, two] = [nextId(), nextId()];
    cyd.say({ id: one, send: { to: 'cyd', clientId: 'c1', body: { text: content } } });
    cyd.say({
      id: two,
      traceparent: command.traceparent,
      send: { to: 'cyd', clientId: 'c2', body: { text: content } },
    });
    await Promise.all([cyd.answer(one), cyd.answer(two)]);
    for (const { traceId, spanId } of [session, command]) {
      await until(
        () => collector.trace(traceId).spans.some(({ name }) => name === 'entry deliver'),
        () => collector.trace(traceId).tree.join('\n'),
      );
      const send = collector.trace(traceId).spans.find(({ name }) => name === 'command send');
      assert.equal(send?.parentId, spanId);
      // The frame that brought it was sampled by itself.
      assert.equal(send?.links.length, 1);
    }
  });

  test('of a recall leads to its webhook, too', async () => {
    const convId = await group('b2', 'ann', ['bob']);
    const [sent, recalled] = [nextId(), nextId()];
    ann.say({ id: sent, send: { convId, clientId: 'c1', body: { text: content } } });
    await ann.answer(sent);
    // What leaves in one write with the message is told by the message's span; what an edge had to read, by none.
    await Promise.all([ann.entry(convId, 2), bob.entry(convId, 2)]);
    ann.say({ id: recalled, recall: { convId, seq: '2', clientId: 'r1' } });
    await ann.answer(recalled);
    const recall = await collector.find('message recall', { 'parley.conv_id': convId, 'parley.seq': 3 });
    const names = () => collector.trace(recall.traceId).tree.map((line) => line.trim().replace(/ @.*/, ''));
    await until(
      () => names().includes('webhook POST') && names().filter((name) => name === 'frame write').length >= 2,
      () => collector.trace(recall.traceId).tree.join('\n'),
    );
    const told = receiver.received.find(
      ({ type, data }) => type === 'message.recalled' && data['conv_id'] === convId,
    );
    assert.equal(told?.headers['traceparent']?.slice(3, 35), recall.traceId);
  });

  test('of a change of a group leads to the group node and back', async () => {
    const groupId = await group('b2', 'ann', ['bob']);
    const { traceId, spanId, traceparent } = clientTrace();
    const response = await fetch(
      `http://127.0.0.1:${cluster.get('b2').ports.http}/api/v1/groups/${groupId}/members`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${await userToken('ann')}`,
          traceparent,
        },
        body: JSON.stringify({ users: ['dan'] }),
      },
    );
    assert.equal(response.status, 200, await response.text());
    await until(
      () => collector.trace(traceId).spans.some(({ name }) => name === 'webhook POST'),
      () => collector.trace(traceId).tree.join('\n'),
    );
    const tree = collector.trace(traceId).tree.map((line) => line.replace(/@m[12]/, '@m'));
    const call = tree.find((line) => line.includes('GroupService/AddMembers'));
    assert.equal(call, 'parley.chat.v1.GroupService/AddMembers @c2');
    assert.equal(
      collector.spans.find((span) => span.traceId === traceId && span.parentId === spanId)?.node,
      'c2',
    );
    for (const line of [
      '  message group @m',
      '    group decide @g1',
      '    fan-out @m',
      '      entry deliver @e1',
    ])
      assert.ok(tree.includes(line), `${line} in\n${tree.join('\n')}`);
  });

  test('says why a send was refused, and the log has it by the id of the trace', async () => {
    const [{ traceId, traceparent }, id] = [clientTrace(), nextId()];
    ann.say({ id, traceparent, send: { convId: 'nobodys', clientId: 'c1', body: { text: content } } });
    assert.ok('error' in (await ann.answer(id)));
    const failures = () => collector.trace(traceId).spans.filter(({ failed }) => failed);
    await until(
      () => failures().length >= 2,
      () => collector.trace(traceId).tree.join('\n'),
    );
    const refused = failures();
    assert.deepEqual(refused.map(({ name }) => name).sort(), ['command send', 'message send']);
    for (const span of refused) assert.ok(has(span, { 'error.type': 'conversationNotFound' }), span.name);
    let line: string | undefined;
    await until(
      async () => {
        line = (await logs.linesOf('c2')).find((each) => each.includes(traceId));
        return line !== undefined;
      },
      () => 'no line has it',
    );
    const fields = JSON.parse(line as string) as Record<string, unknown>;
    assert.equal(fields['event.action'], 'command-refused');
    assert.equal(fields['event.outcome'], 'failure');
    assert.equal(fields['span.id'], refused.find(({ name }) => name === 'command send')?.spanId);
  });

  test('of a webhook that is not taken at once shows each attempt', async () => {
    let refusals = 2;
    receiver.behave = (_, response) => {
      refusals -= 1;
      response.writeHead(refusals >= 0 ? 503 : 204).end();
    };
    const { traceId, traceparent } = clientTrace();
    ann.say({ id: nextId(), traceparent, send: { to: 'bob', clientId: 'w1', body: { text: content } } });
    const posts = () => collector.trace(traceId).spans.filter(({ name }) => name === 'webhook POST');
    await until(
      () => posts().length >= 3,
      () => collector.trace(traceId).tree.join('\n'),
    );
    const told = posts().filter((span) => span.attributes.get('http.response.status_code') === 204);
    assert.equal(told.length, 1);
    assert.equal(posts().filter(({ failed }) => failed).length, 2);
    let actions: unknown[] = [];
    await until(
      async () => {
        const lines = (await logs.linesOf('p1')).filter((each) => each.includes(traceId));
        actions = lines.map((each) => (JSON.parse(each) as Record<string, unknown>)['event.action']);
        return actions.includes('webhook-delivered');
      },
      () => `only ${actions.join(', ')}`,
    );
    assert.equal(actions.filter((action) => action === 'webhook-attempt-failed').length, 2);
  });

  test('tells of nobody’s words', () => {
    assert.ok(collector.spans.length > 100);
    for (const { name, attributes } of collector.spans)
      for (const [attribute, value] of attributes) {
        assert.ok(!String(value).includes(content), `${name} ${attribute}`);
        assert.match(attribute, /^(parley\.|rpc\.|http\.|error\.type$)/, name);
      }
  });
});

describe('metrics', () => {
  test('of all nodes are those of docs/metrics.md, with the labels that it names', async () => {
    const known = new Map((await allMetrics()).map((each) => [each.name, each]));
    for (const name of Object.keys(roles)) {
      const text = await scrape(name);
      for (const line of text.split('\n').filter(Boolean)) {
        if (line.startsWith('#')) continue;
        const [, series = '', labels = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? [];
        const metric = known.get(series) ?? known.get(series.replace(/_(bucket|sum|count)$/, ''));
        assert.ok(metric !== undefined, `${name} exports ${line}, of which the page says nothing`);
        const found = [...labels.matchAll(/([a-z_]+)="/g)]
          .map(([, label]) => label)
          .filter((label) => label !== 'le');
        assert.deepEqual(found.sort(), [...metric.labels].sort(), line);
      }
    }
  });

  test('count what has happened', async () => {
    await Promise.all(['x', 'y'].map((name) => group('e1', name, [])));
    const before = await counts();
    const sends = 20;
    const ids = Array.from({ length: sends }, nextId);
    for (const id of ids) {
      ann.say({ id, send: { to: 'bob', clientId: `m${id}`, body: { text: content } } });
      await ann.answer(id);
    }
    // By call, and of the same kind.
    await cluster.send('e1', 'bob', { to: 'ann' }, content);
    const all = sends + 1;
    let now: Awaited<ReturnType<typeof counts>> | undefined;
    await until(
      async () => {
        now = await counts();
        // Spans leave once a second.
        return now.deliveries - before.deliveries >= 2 * all && now.spansExported > before.spansExported;
      },
      () => JSON.stringify({ before, now }),
    );
    assert.ok(now !== undefined);
    assert.equal(now.processed - before.processed, all);
    assert.equal(now.answered - before.answered, all);
    assert.equal(now.committed - before.committed, all);
    assert.equal(now.inBatches - before.inBatches, all);
    // Both of them hear of each.
    assert.equal(now.deliveries - before.deliveries, 2 * all);
    assert.equal(now.deliveryTimes - before.deliveryTimes, 2 * all);
    assert.equal(now.connections, 2);
    assert.equal(now.spansFailed, 0);
  });
});

async function scrape(name: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${cluster.get(name).ports.metrics}/metrics`)).text();
}

/** Sums over all nodes. */
async function counts() {
  const texts = await Promise.all(Object.keys(roles).map(scrape));
  const sum = (series: RegExp): number =>
    texts
      .flatMap((text) => text.split('\n'))
      .filter((line) => series.test(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);
  return {
    processed: sum(/^chat_messages_processed_total\{type="send"\}/),
    answered: sum(/^chat_send_latency_seconds_count/),
    committed: sum(/^chat_entries_committed_total/),
    inBatches: sum(/^chat_commit_batch_entries_sum/),
    deliveries: sum(/^chat_deliveries_total/),
    deliveryTimes: sum(/^chat_delivery_latency_seconds_count/),
    connections: sum(/^chat_connections_active/),
    spansExported: sum(/^chat_trace_spans_total\{result="exported"\}/),
    spansFailed: sum(/^chat_trace_spans_total\{result="(failed|dropped)"\}/),
  };
}

describe('logs', () => {
  test('have known fields alone, each of its kind, and tell of nobody’s words', async () => {
    const isOfKind = {
      date: (value: unknown) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value)),
      keyword: (value: unknown) => typeof value === 'string' && value.length <= 1_024,
      text: (value: unknown) => typeof value === 'string',
      long: (value: unknown) => Number.isSafeInteger(value),
      boolean: (value: unknown) => typeof value === 'boolean',
    };
    for (const name of Object.keys(roles)) {
      const lines = await logs.linesOf(name);
      assert.ok(lines.length > 1, name);
      for (const line of lines) {
        const fields = JSON.parse(line) as Record<string, unknown>;
        for (const [field, value] of Object.entries(fields)) {
          const kind = (logFields as Readonly<Record<string, keyof typeof isOfKind>>)[field];
          assert.ok(kind !== undefined, `${field} in ${line}`);
          assert.ok(isOfKind[kind](value), `${field} in ${line}`);
        }
        for (const field of [
          '@timestamp',
          'log.level',
          'message',
          'ecs.version',
          'service.name',
          'process.pid',
        ])
          assert.ok(field in fields, `no ${field} in ${line}`);
        assert.equal(fields['service.node.name'], name);
        assert.ok(!line.includes(content), line);
      }
    }
  });
});

const isOf =
  (convId: string, seq: number) =>
  ({ type, data }: Receiver['received'][number]): boolean =>
    type === 'message.created' && data['conv_id'] === convId && data['seq'] === seq;

function idOf(convId: string, seq: number): string {
  return receiver.received.find(isOf(convId, seq))?.id ?? 'none';
}
