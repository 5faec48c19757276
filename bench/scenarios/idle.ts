import path from 'node:path';
import { type Context, type ScenarioResult, wants } from '../context.ts';
import { figure, round } from '../measure.ts';
import { residentBytes } from '../process-stats.ts';
import { median } from '../rate-search.ts';
import { ParleyServer, temporaryDirectory } from '../targets/parley.ts';
import { conversationsEach, settle } from './crowd.ts';

/** Files are at most 20,000 a process here. */
const defaultSessions = 15_000;
const holdSeconds = 70;

/** Users who are online and silent, with twenty conversations each and heartbeats on: memory a connection. */
export async function idle(context: Context): Promise<ScenarioResult> {
  const { generator, options, say } = context;
  const sessions = options.size ?? (options.quick ? 100 : defaultSessions);
  const result: ScenarioResult = { scenario: 'idle', rows: [], ratios: [], notes: [] };
  if (!wants(context, 'parley')) return result;
  await using directory = await temporaryDirectory();
  const dataDir = path.join(directory.path, 'data');
  const ports = await (async () => {
    await using server = await ParleyServer.start({ dataDir });
    await settle(server, generator, sessions);
    await server.child.stop('SIGTERM');
    return server.ports;
  })();
  // A new process on the same data: what was needed to make the data is not counted.
  await using server = await ParleyServer.start({ dataDir, ports });
  await generator.connect({ port: ports.ws, users: Math.min(200, sessions), atOnce: 50 });
  await generator.disconnect();
  const before = await resident(server.pid, options.quick ? 1 : 10);
  const connected = await generator.connect({ port: ports.ws, users: sessions, atOnce: 100 });
  say(`${connected.sessions} sessions signed in and in sync within ${connected.wallMs} ms`);
  if (!options.quick) await new Promise((resolve) => setTimeout(resolve, holdSeconds * 1000));
  const after = await resident(server.pid, options.quick ? 1 : 10);
  const failures = await generator.failures();
  await generator.close();
  if (failures.length > 0) throw new Error(`sessions ended: ${failures.join('; ')}`);
  const row = {
    target: 'Parley',
    figures: {
      sessions: connected.sessions,
      'conversations each': round(connected.known / connected.sessions),
      'RSS before MiB': round(before / 2 ** 20),
      'RSS MiB': round(after / 2 ** 20),
      'KiB/connection': round((after - before) / connected.sessions / 1024),
    },
  };
  if (connected.known !== sessions * conversationsEach)
    throw new Error(
      `the sessions know ${connected.known} conversations, not ${sessions * conversationsEach}`,
    );
  return {
    ...result,
    rows: [row],
    ratios: [{ what: 'KiB a connection', value: figure(row, 'KiB/connection'), wanted: { atMost: 16 } }],
  };
}

/** Memory of a process over some seconds: the median, since collections make it swing. */
async function resident(pid: number, seconds: number): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < seconds * 2; i++) {
    samples.push(residentBytes(pid));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return median(samples);
}
