import { ClusterService, type ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import type { AdminApi } from '../app/admin-api.ts';
import { moment } from '../app/amounts.ts';
import { type Answered, useAnswer } from '../app/use-answer.ts';
import { Badge } from '../ui/badge.tsx';
import { Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';

interface LeasesProps {
  api: AdminApi;
  nodes: Answered<ListNodesResponse>;
}

/** Who is taken for alive: by the directory, to route; by the store, for data. */
export function Leases({ api, nodes }: LeasesProps) {
  const workers = useAnswer(() => api.call(ClusterService.method.listWorkerLeases, {}), 'leases', 2_000);
  return (
    <>
      <section class="admin-section">
        <h2>In the directory</h2>
        <p class="admin-note">They decide whom others link to, and who owns which conversations.</p>
        <Shown of={nodes}>{(answer) => <Directory answer={answer} />}</Shown>
      </section>
      <section class="admin-section">
        <h2>In the store</h2>
        <p class="admin-note">They decide who may draw ids, and whose rows of the outbox others take over.</p>
        <Shown of={workers}>
          {({ leases }) => (
            <Grid
              caption="Worker leases"
              rows={leases}
              keyOf={({ worker }) => String(worker)}
              columns={[
                { title: 'Worker', numeric: true, cell: ({ worker }) => String(worker) },
                {
                  title: 'State',
                  cell: ({ held }) => <Badge kind={held ? 'good' : 'warn'}>{held ? 'held' : 'lapsed'}</Badge>,
                },
                { title: 'Holder', cell: ({ holder }) => holder },
                { title: 'Reserved until', cell: ({ reservedUntilMs }) => moment(reservedUntilMs) },
              ]}
            />
          )}
        </Shown>
      </section>
    </>
  );
}

function Directory({ answer }: { answer: ListNodesResponse }) {
  const rows = answer.nodes.flatMap(({ id, leases }) => leases.map((lease) => ({ id, lease })));
  if (rows.length === 0)
    return (
      <p class="admin-note">
        {answer.directoryAvailable ? 'None: this process is alone.' : 'The directory can not be read.'}
      </p>
    );
  return (
    <Grid
      caption="Leases in the directory"
      rows={rows}
      keyOf={({ id, lease }) => `${lease.role} ${id}`}
      columns={[
        { title: 'Role', cell: ({ lease }) => lease.role },
        { title: 'Node', cell: ({ id }) => id },
        {
          title: 'State',
          cell: ({ lease }) => <Badge kind={lease.state === 'ready' ? 'good' : 'warn'}>{lease.state}</Badge>,
        },
        { title: 'Address', cell: ({ lease }) => lease.address },
        { title: 'Incarnation', cell: ({ lease }) => String(lease.incarnation) },
        { title: 'Load', numeric: true, cell: ({ lease }) => `${Math.round(100 * lease.load)} %` },
      ]}
    />
  );
}
