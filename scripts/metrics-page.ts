import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisMeters } from '../services/adapters/redis/meters.ts';
import { loadConfig } from '../services/core/config.ts';
import { silentLogger } from '../services/core/log.ts';
import { type Listing, Meters } from '../services/core/meters.ts';
import { startEmbedded } from '../services/embedded-server.ts';
import { optionTables } from '../services/options.ts';
import { linkCounters } from '../services/peer/stream-link.ts';
import { registerDirectoryMeters, registerLinkMeters } from '../services/register-meters.ts';

const page = new URL('../docs/metrics.md', import.meta.url);

/**
 * All metrics that there are: those of a whole server in one process, which is started for it, and those that only nodes
 * of a cluster have.
 */
export async function allMetrics(): Promise<Listing[]> {
  return merged(await ofServer((meters) => meters.list()), clusterMeters().list());
}

/** Labels that values of a server just started have, and that their metrics do not name: `metric label`. */
export function strayLabels(): Promise<string[]> {
  return ofServer((meters) => {
    const named = new Map(meters.list().map(({ name, labels }) => [name, labels]));
    const readings = meters.read((error) => {
      throw error;
    });
    return readings.flatMap((reading) =>
      (reading.t === 'histogram' ? [] : reading.values)
        .flatMap(([labels]) => Object.keys(labels))
        .filter((label) => named.get(reading.name)?.includes(label) !== true)
        .map((label) => `${reading.name} ${label}`),
    );
  });
}

async function ofServer<T>(look: (meters: Meters) => T): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-metrics-'));
  try {
    const webhooks = join(directory, 'webhooks.json');
    // Nothing is sent: nobody writes to this server.
    const endpoint = {
      name: 'app',
      url: 'http://127.0.0.1:9/',
      secrets: [secret],
      events: ['message.created'],
    };
    await writeFile(webhooks, JSON.stringify({ endpoints: [endpoint] }));
    const ports = ['HTTP', 'WS', 'GRPC', 'NODE', 'METRICS'].map((door) => [`PARLEY_${door}_PORT`, '0']);
    const env = {
      ...Object.fromEntries(ports),
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: join(directory, 'data'),
      PARLEY_WEBHOOKS: webhooks,
      PARLEY_PUSH: 'true',
    };
    const server = await startEmbedded(loadConfig(optionTables, env), silentLogger);
    try {
      return look(server.meters);
    } finally {
      await server.stop('test');
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const secret = `whsec_${Buffer.alloc(24).toString('base64')}`;

function clusterMeters(): Meters {
  const meters = new Meters();
  registerDirectoryMeters(meters, new RedisMeters());
  registerLinkMeters(meters, { owner: linkCounters(), group: linkCounters(), peer: linkCounters() });
  return meters;
}

function merged(...lists: readonly Listing[][]): Listing[] {
  const byName = new Map(lists.flat().map((each) => [each.name, each]));
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

const units: Readonly<Record<string, string>> = {
  seconds: 'seconds',
  bytes: 'bytes',
  ratio: '0 to 1',
  entries: 'entries',
};

/** What a name says its values are in; counts of things have no unit. */
function unitOf(name: string): string {
  const word =
    name
      .replace(/_total$/, '')
      .split('_')
      .at(-1) ?? '';
  return units[word] ?? '';
}

export function metricsPage(metrics: readonly Listing[]): string {
  const table = (part: readonly Listing[]): string[] => [
    '| metric | kind | labels | unit | |',
    '| --- | --- | --- | --- | --- |',
    ...part.map(
      ({ name, t, labels, doc }) =>
        `| \`${name}\` | ${t} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${unitOf(name)} | ${doc} |`,
    ),
  ];
  const isChat = ({ name }: Listing): boolean => name.startsWith('chat_');
  return [
    '# Metrics',
    '',
    'Every process serves these at `/metrics` of its metrics port, in Prometheus format; which of them it has depends on',
    'its roles. Labels have few values, and never ids. Counters and histograms begin at 0 with each start. A percentile of a',
    'histogram is Prometheus’ to work out, over all nodes:',
    '',
    '```',
    'histogram_quantile(0.99, sum by (le) (rate(chat_send_latency_seconds_bucket[5m])))',
    '```',
    '',
    'Made from what a server registers by `npx node scripts/metrics-page.ts --write`.',
    '',
    '## Chat',
    '',
    ...table(metrics.filter(isChat)),
    '',
    '## Process',
    '',
    ...table(metrics.filter((each) => !isChat(each))),
    '',
  ].join('\n');
}

export async function currentMetricsPage(): Promise<string> {
  return readFile(page, 'utf8').catch(() => '');
}

if (process.argv.includes('--write')) await writeFile(page, metricsPage(await allMetrics()));
