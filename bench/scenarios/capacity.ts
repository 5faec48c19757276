import { type Context, CorrectnessError, type Row, type ScenarioResult, wants } from '../context.ts';
import { round, textBytes } from '../measure.ts';
import { cpuMsOfAll } from '../process-stats.ts';
import { median } from '../rate-search.ts';
import { agreed, type ClusterTarget, startCluster } from '../targets/cluster.ts';

/** Edges and message nodes of the clusters that are measured. */
const sizes = [
  [1, 1],
  [1, 2],
  [1, 4],
  [2, 1],
  [4, 1],
  [4, 4],
  [2, 2],
] as const;
const passesEach = 3;
const triesAtMost = 6;
/** Messages a second on each link between an edge and a message node: low, so that four of a role fit on two cores. */
const ratePerLink = 300;
const passSeconds = 10;
const shape = { t: 'pairs', users: 400, conversations: 200 } as const;
/** What each process of a role has seen before anything counts: its code is compiled by then. */
const warmUp = { rate: 1_500, messagesEach: 15_000 };

/**
 * What a message costs each role, at 1, 2 and 4 nodes of it, the rate on each link being equal: batches, and messages of
 * links, are as full then, whatever the size. What processes use without messages is measured by itself and told apart.
 */
export async function capacity(context: Context): Promise<ScenarioResult> {
  const { quick } = context.options;
  const rows: Row[] = [];
  if (wants(context, 'cluster'))
    for (const [edges, messageNodes] of quick ? sizes.slice(-1) : sizes) {
      await using target = await startCluster({ edges, messageNodes });
      await agreed(context.generator, target);
      rows.push(await measure(context, target, { edges, messageNodes }));
    }
  return { scenario: 'capacity', rows, ratios: [], notes: [] };
}

async function measure(
  context: Context,
  target: ClusterTarget,
  { edges, messageNodes }: { readonly edges: number; readonly messageNodes: number },
): Promise<Row> {
  const { generator, say } = context;
  const { quick, dropOne } = context.options;
  const links = edges * messageNodes;
  const rate = (context.options.rate ?? (quick ? 50 : ratePerLink)) * links;
  const seconds = quick ? 1 : passSeconds;
  const names = Object.keys(target.shares ?? {});
  const open = () => generator.open({ dialect: target.dialect, ports: target.ports, shape, textBytes });
  let mayDrop = dropOne;

  /** A pass, and the CPU of each share in its time, in milliseconds; without a rate nobody sends. */
  async function pass(ratePerSecond: number, forSeconds: number) {
    const before = sharesOf(target);
    const startedAt = performance.now();
    const rowsBefore = await target.rowsWritten();
    const request = { ratePerSecond, seconds: forSeconds, drainMs: 4_000, dropOne: mayDrop };
    const result = ratePerSecond === 0 ? undefined : await generator.pass(request);
    if (result === undefined) await new Promise((resolve) => setTimeout(resolve, forSeconds * 1000));
    else mayDrop = false;
    if (result !== undefined && result.violations > 0)
      throw new CorrectnessError(target.name, result.examples);
    const wallMs = performance.now() - startedAt;
    const cpuMs = sharesOf(target).map((ms, i) => ms - (before[i] ?? 0));
    const good = result === undefined || result.missing + result.disturbed === 0;
    if (!good) await open();
    return { cpuMs, wallMs, good, sent: result?.sent ?? 0, rows: (await target.rowsWritten()) - rowsBefore };
  }

  await open();
  const warm = quick ? 100 : warmUp.messagesEach * Math.max(edges, messageNodes);
  await pass(quick ? 100 : warmUp.rate, warm / (quick ? 100 : warmUp.rate));
  const idle = await pass(0, seconds);
  const idleShare = idle.cpuMs.map((ms) => ms / idle.wallMs);
  const passes: Awaited<ReturnType<typeof pass>>[] = [];
  for (let tries = 0; passes.length < (quick ? 1 : passesEach); tries++) {
    // A node that had to wait for the machine may have been taken for dead: that is no measurement.
    if (tries === triesAtMost) throw new Error(`${target.name}: too many passes were disturbed`);
    const one = await pass(rate, seconds);
    if (one.good) passes.push(one);
    const cost = costOf(one, idleShare);
    say(
      `${target.name}, ${rate}/s${one.good ? '' : ', disturbed'}: ${names.map((name, i) => `${name} ${round(cost[i] ?? 0)}`).join(', ')} µs a message`,
    );
  }
  await generator.close();
  const costs = passes.map((one) => costOf(one, idleShare));
  const own = target.ownShares.map((name) => names.indexOf(name));
  return {
    target: target.name,
    figures: {
      'sends/s': rate,
      'sends/s a link': rate / links,
      'CPU µs/message': round(median(costs.map((cost) => own.reduce((sum, i) => sum + (cost[i] ?? 0), 0)))),
      ...Object.fromEntries(
        names.map((name, i) => [`${name} µs/message`, round(median(costs.map((cost) => cost[i] ?? 0)))]),
      ),
      'rows written/message': round(median(passes.map(({ rows, sent }) => rows / sent))),
      'idle, ms/s a process': round(
        (own.reduce((sum, i) => sum + (idleShare[i] ?? 0), 0) * 1000) / target.pids.length,
      ),
      passes: passes.length,
    },
  };
}

const sharesOf = ({ shares = {} }: ClusterTarget): number[] => Object.values(shares).map(cpuMsOfAll);

/** CPU of each share for a message, in microseconds, without what it would have used anyway. */
function costOf(
  {
    cpuMs,
    wallMs,
    sent,
  }: { readonly cpuMs: readonly number[]; readonly wallMs: number; readonly sent: number },
  idleShare: readonly number[],
): number[] {
  return cpuMs.map((ms, i) => ((ms - (idleShare[i] ?? 0) * wallMs) * 1000) / sent);
}
