import type { ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';

/** What all nodes together do in a second. */
export interface Rates {
  readonly entries: number;
  readonly deliveries: number;
}

/**
 * What happened between two looks. Each node by its own clock and from its own start; a node that was not there, or began
 * anew meanwhile, counts for nothing. Undefined where nothing can be said.
 */
export function ratesBetween(before: ListNodesResponse, now: ListNodesResponse): Rates | undefined {
  const earlier = new Map(before.nodes.map(({ id, figures }) => [id, figures]));
  let said = false;
  let [entries, deliveries] = [0, 0];
  for (const { id, figures } of now.nodes) {
    const then = earlier.get(id);
    if (figures === undefined || then === undefined || then.startedAtMs !== figures.startedAtMs) continue;
    const seconds = Number(figures.nowMs - then.nowMs) / 1_000;
    if (seconds <= 0) continue;
    said = true;
    const per = (value: bigint = 0n, earlierValue: bigint = 0n): number =>
      Math.max(0, Number(value - earlierValue)) / seconds;
    entries += per(figures.message?.entries, then.message?.entries);
    deliveries += per(figures.connection?.deliveries, then.connection?.deliveries);
  }
  return said ? { entries, deliveries } : undefined;
}
