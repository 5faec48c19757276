import type { HotConversation } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { Grid } from '../ui/grid.tsx';

/** Conversations by how fast they grow. */
export function HotTable({ conversations }: { conversations: readonly HotConversation[] }) {
  if (conversations.length === 0)
    return <p class="admin-note">Nothing was written during the last seconds.</p>;
  return (
    <Grid
      caption="Hot conversations"
      rows={conversations}
      keyOf={({ convId, nodeId }) => `${convId} ${nodeId}`}
      columns={[
        {
          title: 'Conversation',
          cell: ({ convId }) => <a href={`#/conversations/${encodeURIComponent(convId)}`}>{convId}</a>,
        },
        { title: 'Node', cell: ({ nodeId }) => nodeId },
        { title: 'Entries a second', numeric: true, cell: ({ perSecond }) => perSecond.toFixed(1) },
        { title: 'Too high by', numeric: true, cell: ({ errorPerSecond }) => errorPerSecond.toFixed(1) },
      ]}
    />
  );
}
