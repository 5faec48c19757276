import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Generator } from '../../../bench/generator.ts';
import type { PassResult } from '../../../bench/generator/load.ts';
import { until } from '../../e2e/support/until.ts';
import { MonitoredCluster } from '../support/monitored-cluster.ts';
import { asked, exprOf, most, panelQueries } from '../support/panels.ts';
import { troubles } from '../support/troubles.ts';

/**
 * Everything of deploy/prometheus, deploy/alertmanager and deploy/grafana at work: a cluster of processes on real engines
 * behind nginx, with all exporters, is loaded, and then hurt. What panels show is compared with what the load generator
 * did, and alerts that fire are told to whoever should hear of them.
 */

const shape = { t: 'pairs', users: 60, conversations: 60 } as const;
const textBytes = 100;
const ratePerSecond = 120;
const passSeconds = 60;
/** Over which rates are taken where they are compared. */
const windowSeconds = 20;
/** Of what the generator counted. */
const tolerance = 0.01;

/** Queries, beside others of their panel, of what is not made here: it takes more than minutes, or more brokers. */
const unmade: ReadonlySet<string> = new Set([
  // Who is paused is sent nothing more: this takes more than one answer that nobody reads.
  'parley-sessions / Slow consumers / cut off',
  'parley-sessions / Turned away, not understood / gRPC, {{reason}}',
  'parley-store / Store troubles / refused',
  // Those who come from this machine itself are not limited.
  'parley-links / Directory troubles / limits not checked',
  'parley-events / Rows of the outbox / held',
  'parley-events / Publishing troubles / lost',
  'parley-events / Publishing troubles / adoption failed',
  // nginx is without TLS here; the suite of the gateway has it.
  'parley-engines / Certificates end in / {{instance}}',
  'parley-engines / Partitions / lack copies',
  'parley-engines / Partitions / offline',
]);

let stack: AsyncDisposableStack;
let site: MonitoredCluster;
let generator: Generator;
let startedAt = 0;

before(async () => {
  stack = new AsyncDisposableStack();
  site = stack.use(await MonitoredCluster.start());
  startedAt = await site.scraped();
  generator = stack.use(new Generator());
});
after(() => stack.disposeAsync());

/** Sums of counters at a moment. */
async function countsAt(at: number): Promise<Record<keyof typeof counters, number>> {
  const counted = await Promise.all(
    Object.entries(counters).map(async ([name, expr]) => {
      const [sample] = await site.prometheus.query(expr, at);
      return [name, sample?.value ?? 0] as const;
    }),
  );
  return Object.fromEntries(counted) as Record<keyof typeof counters, number>;
}

const counters = {
  processed: 'sum(chat_messages_processed_total{type="send"})',
  committed: 'sum(chat_entries_committed_total)',
  acknowledged: 'sum(chat_sends_total{result="acknowledged"})',
  sendLatencies: 'sum(chat_send_latency_seconds_count)',
  deliveries: 'sum(chat_deliveries_total)',
  published: 'sum(chat_relay_published_total)',
  inKafka: 'sum(kafka_topic_messagesin_total{topic!~"__.*"})',
  webhooks: 'sum(chat_push_total{endpoint="app", result="delivered"})',
} as const;

/** An event tells of all entries that a batch had for a conversation: a busy cluster has fewer than messages. */
const events: ReadonlySet<keyof typeof counters> = new Set(['published', 'inKafka']);

/** Resolves, with the time in seconds, once every event has been told of and that has been scraped. */
async function settled(): Promise<number> {
  // What was scraped before says nothing of what has happened since.
  await site.scraped();
  await until(
    async () => {
      const [lag] = await site.prometheus.query('sum(chat_event_log_lag) + sum(chat_relay_lag_batches)');
      return lag?.value === 0;
    },
    () => 'events are not told',
  );
  return site.scraped();
}

/** A pass, with the moments before and after it at which everything was scraped and nothing was under way. */
async function measured(
  seconds: number,
): Promise<{ pass: PassResult; from: number; to: number; began: number; ended: number }> {
  const from = await settled();
  const began = Date.now() / 1_000;
  const pass = await generator.pass({ ratePerSecond, seconds, drainMs: 10_000 });
  const ended = began + seconds;
  // Webhooks come after the messages.
  return { pass, from, to: await settled(), began, ended };
}

/** Holds a figure to another one. */
function near(what: string, got: number, wanted: number): string {
  const off = Math.abs(got - wanted) / wanted;
  assert.ok(off <= tolerance, `${what}: ${got} of ${wanted}`);
  return `${what} ${got.toFixed(got === Math.round(got) ? 0 : 2)} of ${wanted.toFixed(wanted === Math.round(wanted) ? 0 : 2)}`;
}

/** The mean of what a panel's query shows between two moments, of all series with these labels together. */
async function meanOf(
  panel: string,
  labels: Readonly<Record<string, string>>,
  [from, to]: readonly [from: number, to: number],
): Promise<number> {
  const series = await site.prometheus.client.range(asked(exprOf(panel), windowSeconds), from, to, 1);
  const wanted = series.filter((one) =>
    Object.entries(labels).every(([name, value]) => one.labels[name] === value),
  );
  const steps = Math.floor(to - from) + 1;
  const values = wanted.flatMap(({ values: [...own] }) => own.map(([, value]) => value));
  assert.ok(values.length >= steps, `${panel} shows ${values.length} values`);
  return values.reduce((sum, value) => sum + value, 0) / steps;
}

/** Keeps traffic going until it is told to stop; what becomes of it is for others to look at. */
function keepBusy(): () => Promise<void> {
  let going = true;
  const busy = (async () => {
    for (let no = 0; going; no += 1) {
      try {
        await generator.open({
          dialect: 'parley-ws',
          ports: [site.nginx.port],
          shape,
          textBytes,
          prefix: `b${no}x`,
        });
        while (going) {
          const { disturbed } = await generator.pass({ ratePerSecond: 60, seconds: 5, drainMs: 1_000 });
          // Its clients do not come again by themselves.
          if (disturbed > 0) break;
        }
      } catch {
        await pause(500);
      }
    }
    await generator.close().catch(() => {});
  })();
  return () => {
    going = false;
    return busy;
  };
}

describe('monitoring', () => {
  test('everything is scraped', async () => {
    const jobs = await site.prometheus.query('count by (job) (up)');
    assert.deepEqual(Object.fromEntries(jobs.map(({ labels, value }) => [labels['job'], value])), {
      parley: 8,
      node: 1,
      mysql: 1,
      redis: 1,
      kafka: 1,
      nginx: 1,
      probe: 2,
      prometheus: 1,
      alertmanager: 1,
    });
    assert.deepEqual(await site.prometheus.query('up == 0'), []);
    for (const up of ['mysql_up', 'redis_up', 'nginx_up', 'probe_success'])
      assert.ok(
        (await site.prometheus.query(up)).every(({ value }) => value === 1),
        up,
      );
  });

  for (const [dialect, door] of [
    ['parley-ws', () => site.nginx.port],
    ['parley-grpc', () => site.nginxGrpcPort],
  ] as const)
    test(`rates and counts are those of the load generator (${dialect})`, { timeout: 240_000 }, async (t) => {
      const prefix = dialect === 'parley-ws' ? 'w' : 'g';
      await generator.open({ dialect, ports: [door()], shape, textBytes, prefix });
      // Conversations are made by their first send, and whoever is connected by nginx is spread over both edges.
      await generator.pass({ ratePerSecond, seconds: 3, drainMs: 10_000 });
      const { pass, from, to, began, ended } = await measured(passSeconds);
      assert.deepEqual(
        [pass.disturbed, pass.violations, pass.missing],
        [0, 0, 0],
        [...pass.disturbances, ...pass.examples].join('; '),
      );
      assert.equal(pass.acked, ratePerSecond * passSeconds);
      const [before, now] = [await countsAt(from), await countsAt(to)];
      const grown = (name: keyof typeof counters): number => now[name] - before[name];
      const told = (Object.keys(counters) as (keyof typeof counters)[])
        .filter((name) => !events.has(name))
        .map((name) => near(name, grown(name), name === 'deliveries' ? pass.delivered : pass.acked));
      told.push(near('published', grown('published'), grown('inKafka')));
      assert.ok(grown('published') <= pass.acked, `${grown('published')} events`);
      const [active] = await site.prometheus.query('sum(chat_connections_active)', to);
      assert.equal(active?.value, shape.users);
      // Rates where the whole window lies in the pass; the mean of many moments, since each scrape comes when it comes.
      for (const [panel, labels, wanted] of [
        ['parley-overview / Messages / {{type}}', { type: 'send' }, ratePerSecond],
        ['parley-overview / Sends by outcome / {{result}}', { result: 'acknowledged' }, ratePerSecond],
        ['parley-overview / Deliveries / deliveries', {}, (ratePerSecond * pass.delivered) / pass.acked],
        ['parley-store / Entries committed / {{instance}}', {}, ratePerSecond],
        ['parley-events / Events published / {{instance}}', {}, grown('published') / passSeconds],
      ] as const)
        told.push(near(panel, await meanOf(panel, labels, [began + windowSeconds + 3, ended - 1]), wanted));
      const p99 = await site.prometheus.query(
        'histogram_quantile(0.99, sum by (le) (rate(chat_send_latency_seconds_bucket[30s])))',
        ended,
      );
      t.diagnostic(
        `${told.join(', ')}; p99 of sends ${p99[0]?.value}, of the generator ${pass.ack.p99Ms} ms`,
      );
      await generator.close();
    });

  test('alerts that fire are told, and told to be over', { timeout: 420_000 }, async (t) => {
    await site.notices.hears('ParleyWatchdog', 'firing', 60_000);
    const stop = keepBusy();
    const m2 = site.cluster.get('m2');
    await m2.kill();
    const down = await site.notices.hears('ParleyNodeDown', 'firing', 120_000);
    assert.deepEqual(
      [down.receiver, down.labels['instance'], down.labels['severity']],
      ['ticket', 'm2', 'warning'],
    );
    assert.equal(down.annotations['summary'], 'm2 is down');
    assert.equal(down.annotations['runbook_url'], 'docs/operations.md#parleynodedown');
    await m2.start();
    await site.notices.hears('ParleyNodeDown', 'resolved', 60_000);
    const since = performance.now();
    await site.cluster.database.kill();
    const page = await site.notices.hears('ParleyStoreUnavailable', 'firing', 120_000);
    const seconds = (performance.now() - since) / 1_000;
    assert.deepEqual(
      [page.receiver, page.labels['severity'], page.labels['docs']],
      ['page', 'critical', undefined],
    );
    await site.notices.hears('ParleyDatabaseDown', 'firing', 120_000);
    await site.cluster.database.restart();
    await site.notices.hears('ParleyStoreUnavailable', 'resolved', 120_000);
    await site.notices.hears('ParleyDatabaseDown', 'resolved', 120_000);
    await stop();
    for (const { annotations, labels } of site.notices.received)
      for (const text of Object.values(annotations))
        assert.doesNotMatch(text, /<no value>|<error|\{\{|NaN/, labels['alertname']);
    t.diagnostic(
      `the page came ${seconds.toFixed(1)} s after the database was killed; fired: ${[...new Set(site.notices.received.map(({ labels }) => labels['alertname']))].join(', ')}`,
    );
  });

  test('every panel shows something', { timeout: 420_000 }, async (t) => {
    const stop = keepBusy();
    for (const trouble of troubles) await trouble(site);
    await stop();
    await pause(3_000);
    const to = await site.scraped();
    const empty: string[] = [];
    const panels = new Map<string, boolean>();
    for (const query of panelQueries) {
      const value = await most(site.prometheus.client, query, [startedAt, to]);
      const shows = value !== undefined && value !== 0;
      if (!shows) empty.push(query.name);
      panels.set(query.panel, shows || panels.get(query.panel) === true);
    }
    t.diagnostic(
      `${panels.size} panels with ${panelQueries.length} queries; without a value other than zero: ${empty.join(', ')}`,
    );
    assert.deepEqual(
      [...panels].filter(([, shows]) => !shows).map(([panel]) => panel),
      [],
    );
    assert.deepEqual(
      empty.filter((name) => !unmade.has(name)),
      [],
    );
  });
});
