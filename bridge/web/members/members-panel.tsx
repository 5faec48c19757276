import { useState } from 'preact/hooks';
import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { ConversationLog, ConversationSummary } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { AddPeople } from './add-people.tsx';
import { GroupName } from './group-name.tsx';
import { MemberRow } from './member-row.tsx';
import { useMembers } from './use-members.ts';
import './members-panel.css';

interface MembersPanelProps {
  summary: ConversationSummary;
  log: ConversationLog;
  onClose: () => void;
}

/** Who is in a group, and what the user may do about it. For members only. */
export function MembersPanel({ summary, log, onClose }: MembersPanelProps) {
  const client = useClient();
  const [asking, setAsking] = useState<'add' | 'leave'>();
  const { members, more, loading, failed, showMore, reload } = useMembers(summary.convId, log);
  const { convId, role } = summary;
  const leads = role === Role.OWNER || role === Role.ADMIN;
  return (
    <aside
      class="members"
      aria-label="Members"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header class="members-header">
        <h2>Group</h2>
        <IconButton icon="close" label="Close members" onClick={onClose} />
      </header>
      <div class="members-body">
        <GroupName groupId={convId} name={summary.title} mayRename={leads} />
        <div class="members-heading">
          <h3>
            {summary.memberCount === 1 ? '1 member' : `${summary.memberCount.toLocaleString()} members`}
          </h3>
          {leads ? (
            <Button icon="plus" onClick={() => setAsking('add')}>
              Add people
            </Button>
          ) : null}
        </div>
        {failed === '' ? null : (
          <div class="members-problem" role="alert">
            <p>{failed}</p>
            <Button icon="retry" onClick={reload}>
              Try again
            </Button>
          </div>
        )}
        {loading && failed === '' ? <span class="spinner" role="img" aria-label="Loading members" /> : null}
        <ul>
          {members.map((member) => (
            <MemberRow key={member.userId} member={member} groupId={convId} myRole={role} />
          ))}
        </ul>
        {more ? <Button onClick={showMore}>Show more</Button> : null}
      </div>
      <footer class="members-footer">
        <Button icon="leave" onClick={() => setAsking('leave')}>
          Leave group
        </Button>
      </footer>
      {asking === 'add' ? <AddPeople groupId={convId} onClose={() => setAsking(undefined)} /> : null}
      {asking === 'leave' ? (
        <Confirm
          title={`Leave “${summary.title}”?`}
          text="You get no more messages of this group, until somebody adds you again."
          action="Leave"
          onConfirm={() => client.groups.leave(convId)}
          onClose={() => setAsking(undefined)}
        />
      ) : null}
    </aside>
  );
}
