import type { ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { bytes, count } from '../app/amounts.ts';
import type { Answered } from '../app/use-answer.ts';
import { Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';

const names: Record<string, string> = {
  lanes: 'Commands that wait for a commit',
  sessions: 'Pushed to sessions, not acknowledged',
  store_reads: 'Reads of the store',
  store_writes: 'Writes of the store',
  relay: 'Batches to be published',
  outbox_held: 'Outbox rows of dead nodes',
};

interface Row {
  readonly node: string;
  readonly name: string;
  readonly items: string;
  readonly waiting: string;
  readonly limit: string;
}

/** What waits, on each node and on its links. */
export function Queues({ nodes }: { nodes: Answered<ListNodesResponse> }) {
  return (
    <Shown of={nodes}>
      {(answer) => (
        <Grid
          caption="Queues"
          rows={rowsOf(answer)}
          keyOf={({ node, name }) => `${node} ${name}`}
          columns={[
            { title: 'Node', cell: ({ node }) => node },
            { title: 'Queue', cell: ({ name }) => name },
            { title: 'Items', numeric: true, cell: ({ items }) => items },
            { title: 'Bytes', numeric: true, cell: ({ waiting }) => waiting },
            { title: 'Limit', numeric: true, cell: ({ limit }) => limit },
          ]}
        />
      )}
    </Shown>
  );
}

function rowsOf({ nodes }: ListNodesResponse): readonly Row[] {
  return nodes.flatMap(({ id, figures }) => [
    ...(figures?.queues ?? []).map(({ name, items, bytes: waiting, limit }) => ({
      node: id,
      name: names[name] ?? name.replace(/^event_log_lag /, 'Events that wait for '),
      items: count(items),
      waiting: bytes(waiting),
      limit: limit === 0n ? '' : bytes(limit),
    })),
    ...(figures?.links ?? []).map(({ kind, nodeId, queuedBytes }) => ({
      node: id,
      name: `Link to ${nodeId} (${kind})`,
      items: '',
      waiting: bytes(queuedBytes),
      limit: '',
    })),
  ]);
}
