import { ClusterService, type SlowSession } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import type { AdminApi } from '../app/admin-api.ts';
import { bytes, duration } from '../app/amounts.ts';
import { useAnswer } from '../app/use-answer.ts';
import { type Column, Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';
import { Unreachable } from '../ui/unreachable.tsx';

const reasons: Record<string, string> = {
  not_reading: 'reads nothing',
  over_window: 'does not acknowledge',
};

/** Sessions that do not keep up. */
export function SlowConsumers({ api }: { api: AdminApi }) {
  const slow = useAnswer(() => api.call(ClusterService.method.listSlowSessions, {}), 'slow', 2_000);
  return (
    <Shown of={slow}>
      {({ now, closed, unreachable }) => (
        <>
          <Unreachable nodes={unreachable} />
          <section class="admin-section">
            <h2>Now</h2>
            {now.length === 0 ? (
              <p class="admin-note">Every session keeps up.</p>
            ) : (
              <Grid caption="Slow sessions" rows={now} keyOf={keyOf} columns={columnsOf('For')} />
            )}
          </section>
          <section class="admin-section">
            <h2>Closed lately</h2>
            {closed.length === 0 ? (
              <p class="admin-note">None was closed for it since the nodes began.</p>
            ) : (
              <Grid caption="Closed sessions" rows={closed} keyOf={keyOf} columns={columnsOf('Ago')} />
            )}
          </section>
        </>
      )}
    </Shown>
  );
}

function keyOf({ nodeId, session }: SlowSession): string {
  return `${nodeId} ${session}`;
}

function columnsOf(since: string): readonly Column<SlowSession>[] {
  return [
    { title: 'User', cell: ({ userId }) => <a href={`#/users/${encodeURIComponent(userId)}`}>{userId}</a> },
    { title: 'Device', cell: ({ deviceId }) => deviceId },
    { title: 'Node', cell: ({ nodeId }) => nodeId },
    { title: 'By', cell: ({ transport }) => transport },
    { title: 'Why', cell: ({ reason }) => reasons[reason] ?? reason },
    { title: since, numeric: true, cell: ({ forMs }) => duration(forMs) },
    { title: 'Unacknowledged', numeric: true, cell: ({ unackedBytes }) => bytes(unackedBytes) },
  ];
}
