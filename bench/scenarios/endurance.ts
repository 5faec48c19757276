import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Context, CorrectnessError, type Row, type ScenarioResult, wants } from '../context.ts';
import type { PassResult } from '../generator/load.ts';
import { userName } from '../generator/client.ts';
import { figure, round, textBytes } from '../measure.ts';
import { cpuMs, residentBytes } from '../process-stats.ts';
import { median } from '../rate-search.ts';
import { ParleyServer, temporaryDirectory } from '../targets/parley.ts';

const defaultEntries = 5_200_000;
const defaultRate = 6_000;
const windowSeconds = 10;
/** The run is told in this many parts. */
const parts = 10;

interface Window {
  readonly pass: PassResult;
  readonly entries: number;
  readonly residentBytes: number;
  readonly diskBytes: number;
  readonly cpuMs: number;
}

/** Millions of messages over many conversations: does anything grow that should not, and how fast does it start again? */
export async function endurance(context: Context): Promise<ScenarioResult> {
  const { generator, options } = context;
  const wanted = options.size ?? (options.quick ? 4_000 : defaultEntries);
  const rate = options.rate ?? (options.quick ? 1000 : defaultRate);
  const conversations = options.conversations ?? (options.quick ? 200 : 50_000);
  const users = options.quick ? 40 : 1000;
  const empty: ScenarioResult = { scenario: 'endurance', rows: [], ratios: [], notes: [] };
  if (!wants(context, 'parley')) return empty;
  await using directory = await temporaryDirectory();
  const dataDir = path.join(directory.path, 'data');
  await using server = await ParleyServer.start({ dataDir });
  const shape = { t: 'pairs', users, conversations } as const;
  const open = () => generator.open({ dialect: 'parley-ws', ports: [server.ports.ws], shape, textBytes });
  await open();
  const windows: Window[] = [];
  let entries = 0;
  while (entries < wanted) {
    const before = cpuMs(server.pid);
    const seconds = options.quick ? 1 : windowSeconds;
    const pass = await generator.pass({ ratePerSecond: rate, seconds, drainMs: 60_000 });
    if (pass.violations > 0) throw new CorrectnessError('Parley', pass.examples);
    entries += pass.acked;
    windows.push({
      pass,
      entries,
      residentBytes: residentBytes(server.pid),
      diskBytes: await bytesUnder(dataDir),
      cpuMs: cpuMs(server.pid) - before,
    });
    context.say(describe(windows.at(-1) as Window));
    if (pass.disturbed > 0) await open();
  }
  await generator.close();
  await server.child.stop('SIGKILL');
  const readyMs = await restart(dataDir, server.ports);
  return { ...empty, ...report(windows, conversations, readyMs) };
}

/** Time from the start of the process, after a crash, to its first answer. */
async function restart(dataDir: string, ports: ParleyServer['ports']): Promise<number> {
  const startedAt = performance.now();
  await using again = await ParleyServer.start({ dataDir, ports });
  await again.call('ConversationService/ListConversations', { pageSize: 50 }, userName(0));
  return performance.now() - startedAt;
}

function report(windows: readonly Window[], conversations: number, readyMs: number) {
  const size = Math.max(1, Math.ceil(windows.length / parts));
  const rows: Row[] = [];
  for (let i = 0; i < windows.length; i += size) rows.push(rowOf(windows.slice(i, i + size)));
  // The first parts fill caches and make the conversations.
  const early = rows[Math.min(2, rows.length - 1)];
  const late = rows.at(-1);
  const compare = (name: string) => figure(late, name) / figure(early, name);
  return {
    rows,
    ratios: [
      { what: 'memory, last part to third', value: compare('RSS MiB'), wanted: { atMost: 1.15 } },
      { what: 'ack p99, last part to third', value: compare('ack p99 ms'), wanted: { atMost: 1.5 } },
      { what: 'ready after a crash, s', value: readyMs / 1000, wanted: { atMost: 3 } },
    ],
    notes: [`${conversations} conversations, ${windows.at(-1)?.entries ?? 0} messages`],
  };
}

function rowOf(windows: readonly Window[]): Row {
  const last = windows.at(-1) as Window;
  const middle = (pick: (window: Window) => number) => round(median(windows.map(pick)));
  return {
    target: `${(last.entries / 1e6).toFixed(2)} M`,
    figures: {
      'ack p50 ms': middle(({ pass }) => pass.ack.p50Ms),
      'ack p99 ms': middle(({ pass }) => pass.ack.p99Ms),
      'worst ack p99 ms': round(Math.max(...windows.map(({ pass }) => pass.ack.p99Ms))),
      'worst ack ms': round(Math.max(...windows.map(({ pass }) => pass.ack.maxMs))),
      'RSS MiB': middle((window) => window.residentBytes / 2 ** 20),
      'disk MiB': round(last.diskBytes / 2 ** 20),
      'bytes/message': round(last.diskBytes / last.entries),
      'CPU µs/message': middle((window) => (window.cpuMs * 1000) / window.pass.sent),
    },
  };
}

function describe({ pass, entries, residentBytes: resident, diskBytes }: Window): string {
  const trouble = pass.disturbances.length > 0 ? `; ${pass.disturbances.join('; ')}` : '';
  return (
    `${entries} messages, ack p50 ${pass.ack.p50Ms} p99 ${pass.ack.p99Ms} max ${pass.ack.maxMs} ms, ` +
    `${(resident / 2 ** 20).toFixed(0)} MiB RSS, ${(diskBytes / entries).toFixed(0)} bytes a message${trouble}`
  );
}

/** Space that the files under a directory take. Files come and go meanwhile. */
async function bytesUnder(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const found = await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes;
}
