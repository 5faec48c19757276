import { type Context, type Ratio, type Row, type ScenarioResult, wants } from '../context.ts';
import { figure, measureLoad } from '../measure.ts';
import { profiled } from '../profile.ts';
import { agreed, startCluster } from '../targets/cluster.ts';
import { startParley } from '../targets/parley.ts';
import type { Target } from '../targets/target.ts';
import { privateLoad } from './private.ts';

/** Edges, and message nodes, of the clusters that are measured. */
const sizes = [1, 2];
const passesAtRate = 3;

/** The load of `private` on the embedded mode, and on clusters: what a message costs Parley's own processes. */
export async function clusterChat(context: Context): Promise<ScenarioResult> {
  const { quick } = context.options;
  const load = (target: Target, startRate: number) =>
    measureLoad(context, target, { ...privateLoad(context).load, startRate, passes: passesAtRate });
  const rows: Row[] = [];
  const notes: string[] = [];
  const ratios: Ratio[] = [];
  let embedded: Row | undefined;
  if (wants(context, 'parley')) {
    embedded = await profiled(context, notes, async (nodeArgs) => {
      await using target = await startParley('ws', { nodeArgs });
      return await load(target, 4000);
    });
    rows.push(embedded);
  }
  if (wants(context, 'cluster'))
    for (const nodes of quick ? sizes.slice(-1) : sizes) {
      const row = await profiled(context, notes, async (nodeArgs) => {
        await using target = await startCluster({ edges: nodes, messageNodes: nodes, nodeArgs });
        await agreed(context.generator, target);
        return await load(target, 2000);
      });
      rows.push(row);
      ratios.push({
        what: `${row.target}: messages a CPU second of Parley's own processes, × embedded`,
        value: figure(embedded, 'CPU µs/message') / figure(row, 'CPU µs/message'),
        wanted: { atLeast: 0.6 },
      });
    }
  return { scenario: 'cluster', rows, ratios, notes };
}
