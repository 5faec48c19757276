import type { ClusterNode, ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { bytes, count, duration } from '../app/amounts.ts';
import type { Answered } from '../app/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { type Column, Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';

/** The nodes, and what each says of itself. */
export function Nodes({ nodes }: { nodes: Answered<ListNodesResponse> }) {
  return (
    <Shown of={nodes}>
      {(answer) => (
        <>
          <p class="admin-note">
            Bridges in processes of their own are no nodes here: their sessions are those of the connection
            nodes behind them.
          </p>
          <Grid caption="Nodes" rows={answer.nodes} keyOf={({ id }) => id} columns={columns} />
        </>
      )}
    </Shown>
  );
}

const columns: readonly Column<ClusterNode>[] = [
  { title: 'Node', cell: ({ id }) => <strong>{id}</strong> },
  { title: 'State', cell: (node) => <State node={node} /> },
  {
    title: 'Roles',
    cell: ({ figures, leases }) => (figures?.roles ?? leases.map(({ role }) => role)).join(', '),
  },
  { title: 'Address', short: true, cell: ({ leases }) => leases[0]?.address ?? '' },
  { title: 'Version', cell: ({ figures }) => figures?.version ?? '' },
  {
    title: 'Up',
    numeric: true,
    cell: ({ figures }) => (figures === undefined ? '' : duration(figures.nowMs - figures.startedAtMs)),
  },
  {
    title: 'Load',
    numeric: true,
    cell: ({ leases }) =>
      leases.length === 0 ? '' : `${Math.round(100 * Math.max(...leases.map(({ load }) => load)))} %`,
  },
  {
    title: 'Memory',
    numeric: true,
    cell: ({ figures }) => (figures === undefined ? '' : bytes(figures.residentBytes)),
  },
  {
    title: 'Sessions',
    cell: ({ figures }) =>
      (figures?.connection?.transports ?? [])
        .filter(({ sessions }) => sessions > 0)
        .map(({ transport, sessions }) => `${transport} ${count(sessions)}`)
        .join(', ') || (figures?.connection === undefined ? '' : 'none'),
  },
  {
    title: 'Owns',
    numeric: true,
    cell: ({ figures }) => (figures?.message === undefined ? '' : count(figures.message.ownedConversations)),
  },
  {
    title: 'Clock',
    numeric: true,
    cell: ({ figures, clockSkewMs }) => (figures === undefined ? '' : `${Math.round(clockSkewMs)} ms`),
  },
];

function State({ node: { problem, leases } }: { node: ClusterNode }) {
  if (problem !== '')
    return (
      <>
        <Badge kind="bad">no answer</Badge> {problem}
      </>
    );
  const states = [...new Set(leases.map(({ state }) => state))];
  if (states.length === 0) return <Badge>alone</Badge>;
  return (
    <>
      {states.map((state) => (
        <Badge key={state} kind={state === 'ready' ? 'good' : 'warn'}>
          {state}
        </Badge>
      ))}
    </>
  );
}
