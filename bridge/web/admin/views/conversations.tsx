import { useState } from 'preact/hooks';
import { AdminService, type DescribeGroupResponse } from '../../../../gen/parley/chat/v1/admin_pb.ts';
import { ClusterService } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { uniqueId } from '../../../../sdk/unique-id.ts';
import { Button } from '../../ui/button.tsx';
import { toast } from '../../ui/toasts.tsx';
import type { AdminApi } from '../app/admin-api.ts';
import { count, duration } from '../app/amounts.ts';
import { useAnswer } from '../app/use-answer.ts';
import { useNamed } from '../app/use-named.ts';
import { Ask } from '../ui/ask.tsx';
import { Grid } from '../ui/grid.tsx';
import { Shown } from '../ui/shown.tsx';
import { Sure } from '../ui/sure.tsx';
import { Unreachable } from '../ui/unreachable.tsx';
import { HotTable } from './hot-table.tsx';

/** Where conversations are, and who is in them. */
export function Conversations({ api }: { api: AdminApi }) {
  const convId = useNamed();
  const hot = useAnswer(
    () => api.call(ClusterService.method.listHotConversations, { limit: 20 }),
    'hot',
    2_000,
  );
  return (
    <>
      <Ask
        key={convId}
        label="Conversation or group"
        placeholder="for example lobby"
        action="Look up"
        initial={convId}
        onAsk={(named) => {
          location.hash = `#/conversations/${encodeURIComponent(named)}`;
        }}
      />
      {convId === '' ? null : <Found key={`found ${convId}`} api={api} convId={convId} />}
      <section class="admin-section">
        <h2>Hot conversations</h2>
        <Shown of={hot}>
          {({ conversations, unreachable }) => (
            <>
              <Unreachable nodes={unreachable} />
              <HotTable conversations={conversations} />
            </>
          )}
        </Shown>
      </section>
    </>
  );
}

function Found({ api, convId }: { api: AdminApi; convId: string }) {
  const place = useAnswer(
    () => api.call(ClusterService.method.locateConversation, { convId }),
    convId,
    2_000,
  );
  return (
    <>
      <section class="admin-section">
        <h2>Owner of {convId}</h2>
        <Shown of={place}>
          {({ owner, holds, unreachable }) => (
            <>
              <Unreachable nodes={unreachable} />
              <p class="admin-note">
                {owner === '' ? 'No node owns it now.' : `Owned by ${owner}.`}{' '}
                {holds.length === 0
                  ? 'No node holds it in memory: it was not used lately, or does not exist.'
                  : ''}
              </p>
              {holds.length === 0 ? null : (
                <Grid
                  caption={`Nodes that hold ${convId}`}
                  rows={holds}
                  keyOf={({ nodeId }) => nodeId}
                  columns={[
                    { title: 'Node', cell: ({ nodeId }) => nodeId },
                    { title: 'Kind', cell: ({ kind }) => kind },
                    { title: 'Last entry', numeric: true, cell: ({ headSeq }) => String(headSeq) },
                    { title: 'Members', numeric: true, cell: ({ members }) => count(members) },
                    { title: 'Unused for', numeric: true, cell: ({ idleMs }) => duration(idleMs) },
                  ]}
                />
              )}
            </>
          )}
        </Shown>
      </section>
      {convId.startsWith('d_') ? null : <Group api={api} groupId={convId} />}
    </>
  );
}

function Group({ api, groupId }: { api: AdminApi; groupId: string }) {
  const [pages, setPages] = useState<readonly string[]>(['']);
  const pageToken = pages.at(-1) ?? '';
  const group = useAnswer(
    () => api.call(AdminService.method.describeGroup, { groupId, pageSize: 100, pageToken }),
    `${groupId} ${pageToken}`,
    0,
  );
  return (
    <section class="admin-section">
      <h2>Members of {groupId}</h2>
      <Shown of={group}>
        {(answer) => (
          <>
            <p class="admin-note">
              “{answer.name}”: {count(answer.memberCount)} of {count(answer.maxMembers)} members, owned by{' '}
              {answer.owner === '' ? 'nobody' : answer.owner}, {String(answer.headSeq)} entries.
            </p>
            <Members api={api} groupId={groupId} group={answer} changed={group.again} />
            <div class="admin-actions">
              {pages.length > 1 ? (
                <Button onClick={() => setPages(pages.slice(0, -1))}>Page before</Button>
              ) : null}
              {answer.nextPageToken === '' ? null : (
                <Button onClick={() => setPages([...pages, answer.nextPageToken])}>Next page</Button>
              )}
            </div>
          </>
        )}
      </Shown>
    </section>
  );
}

interface MembersProps {
  api: AdminApi;
  groupId: string;
  group: DescribeGroupResponse;
  changed: () => void;
}

function Members({ api, groupId, group, changed }: MembersProps) {
  const [leaving, setLeaving] = useState<{ userId: string; clientId: string } | undefined>(undefined);
  if (group.members.length === 0) return <p class="admin-note">Nobody is in it.</p>;
  return (
    <>
      <Grid
        caption={`Members of ${groupId}`}
        rows={group.members}
        keyOf={({ userId }) => userId}
        columns={[
          {
            title: 'User',
            cell: ({ userId }) => <a href={`#/users/${encodeURIComponent(userId)}`}>{userId}</a>,
          },
          { title: 'Role', cell: ({ role }) => role },
          { title: 'Since entry', numeric: true, cell: ({ joinedSeq }) => String(joinedSeq) },
          {
            title: '',
            numeric: true,
            cell: ({ userId }) => (
              <Button
                aria-label={`Remove ${userId}`}
                onClick={() => setLeaving({ userId, clientId: uniqueId() })}
              >
                Remove
              </Button>
            ),
          },
        ]}
      />
      {leaving === undefined ? null : (
        <Sure
          title={`Remove ${leaving.userId}?`}
          text={`${leaving.userId} leaves ${groupId} at once, and the other members see that. It can be undone only by adding them again.`}
          action="Remove"
          onConfirm={async () => {
            await api.call(AdminService.method.expelMember, { groupId, ...leaving });
            toast(`${leaving.userId} is out of ${groupId}.`);
            changed();
          }}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </>
  );
}
