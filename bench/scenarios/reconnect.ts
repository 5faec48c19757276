import path from 'node:path';
import { type Context, CorrectnessError, type Row, type ScenarioResult, wants } from '../context.ts';
import { round } from '../measure.ts';
import { cpuMs } from '../process-stats.ts';
import { ParleyServer, temporaryDirectory } from '../targets/parley.ts';
import { conversationsEach, settle, stir } from './crowd.ts';

const defaultSessions = 10_000;

/** All sessions are cut at once and come back at once; each has one conversation of twenty to catch up with. */
export async function reconnect(context: Context): Promise<ScenarioResult> {
  const { generator, options } = context;
  const sessions = options.size ?? (options.quick ? 100 : defaultSessions);
  const result: ScenarioResult = { scenario: 'reconnect', rows: [], ratios: [], notes: [] };
  if (!wants(context, 'parley')) return result;
  await using directory = await temporaryDirectory();
  const dataDir = path.join(directory.path, 'data');
  const rows: Row[] = [];
  let ports: ParleyServer['ports'];
  {
    await using server = await ParleyServer.start({ dataDir });
    ports = server.ports;
    await settle(server, generator, sessions);
    await generator.connect({ port: ports.ws, users: sessions, atOnce: 100 });
    await generator.disconnect();
    await stir(server, sessions);
    rows.push(await storm(context, server, sessions, 'Parley: all at once, server up'));
    await generator.disconnect();
    await stir(server, sessions);
    await server.child.stop('SIGKILL');
  }
  await using server = await ParleyServer.start({ dataDir, ports });
  rows.push(await storm(context, server, sessions, 'Parley: all at once, after a crash'));
  await generator.close();
  return { ...result, rows };
}

async function storm(context: Context, server: ParleyServer, users: number, target: string): Promise<Row> {
  const cpuBefore = cpuMs(server.pid);
  const result = await context.generator.connect({ port: server.ports.ws, users, atOnce: users });
  const { failures, changed, advanced, known, sessions } = result;
  if (failures.length > 0) throw new Error(`${target}: ${failures.join('; ')}`);
  // Each must be told of exactly the one entry that is new, and of nothing else.
  if (changed !== users || advanced !== users || known !== users * conversationsEach)
    throw new CorrectnessError(target, [
      `${users} sessions were told of ${changed} conversations and ${advanced} entries, and know ${known}`,
    ]);
  return {
    target,
    figures: {
      sessions,
      retries: result.retries,
      'in sync p50 ms': result.inSyncP50Ms,
      'in sync p99 ms': result.inSyncP99Ms,
      'all in sync ms': result.wallMs,
      'CPU µs/session': round(((cpuMs(server.pid) - cpuBefore) * 1000) / users),
    },
  };
}
