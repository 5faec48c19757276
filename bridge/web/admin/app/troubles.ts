import type { ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';

const skewMs = 500;

/** What should not be so, in words; none where all is well. Pure. */
export function troublesOf({ nodes, directoryAvailable }: ListNodesResponse): readonly string[] {
  const troubles: string[] = [];
  if (!directoryAvailable)
    troubles.push('The directory can not be read: only the node that was asked is shown.');
  for (const { id, problem, figures, clockSkewMs, roundTripMs } of nodes) {
    if (problem !== '') troubles.push(`${id} does not answer: ${problem}`);
    if (figures === undefined) continue;
    if (!figures.directoryAvailable) troubles.push(`${id} does not reach the directory.`);
    if (figures.message?.storeAccepting === false) troubles.push(`The store of ${id} takes no commits.`);
    if (Math.abs(clockSkewMs) - roundTripMs / 2 > skewMs)
      troubles.push(`The clock of ${id} is ${Math.round(clockSkewMs)} ms off.`);
  }
  const leases = nodes.flatMap((node) => node.leases);
  if (leases.length > 0)
    for (const role of ['connection', 'message', 'group']) {
      const ready = leases.filter((lease) => lease.role === role && lease.state === 'ready').length;
      if (ready === 0) troubles.push(`No ${role} node is ready.`);
      else if (ready === 1 && role === 'message')
        troubles.push('Only one message node is ready: when it dies, nobody takes over.');
    }
  const figures = nodes.flatMap((node) => (node.figures === undefined ? [] : [node.figures]));
  const versions = new Set(figures.map(({ version }) => version));
  if (versions.size > 1) troubles.push(`Nodes run different versions: ${[...versions].sort().join(', ')}.`);
  const epochs = new Set(figures.map(({ storeEpoch }) => storeEpoch).filter((epoch) => epoch !== ''));
  if (epochs.size > 1) troubles.push('Nodes have different epochs of the store.');
  const owners = figures
    .filter(({ roles }) => roles.includes('message') || roles.includes('connection'))
    .map((each) => [...each.owners].sort().join(' '));
  if (new Set(owners).size > 1) troubles.push('Nodes do not agree on who owns conversations.');
  return troubles;
}
