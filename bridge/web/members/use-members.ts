import { useEffect, useState } from 'preact/hooks';
import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { Member } from '../../../gen/parley/chat/v1/group_pb.ts';
import type { ConversationLog } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';

/** Members drawn at first, and added each time when asked for more. */
const step = 200;

interface Members {
  readonly members: readonly Member[];
  readonly more: boolean;
  readonly loading: boolean;
  /** Why they could not be read; empty when they could. */
  readonly failed: string;
  readonly showMore: () => void;
  readonly reload: () => void;
}

/** The members of a group, read anew whenever its log says that they changed. */
export function useMembers(groupId: string, log: ConversationLog): Members {
  const client = useClient();
  const [limit, setLimit] = useState(step);
  const [tries, setTries] = useState(0);
  const [read, setRead] = useState<{ members: readonly Member[]; more: boolean }>();
  const [failed, setFailed] = useState('');
  const changed = lastChange(log);
  useEffect(() => {
    const ended = new AbortController();
    setFailed('');
    readMembers(client.groups.members(groupId), limit).then(
      (result) => ended.signal.aborted || setRead(result),
      (thrown: unknown) => ended.signal.aborted || setFailed(describeProblem(thrown)),
    );
    return () => ended.abort();
  }, [groupId, changed, limit, tries]);
  return {
    members: read?.members ?? [],
    more: read?.more ?? false,
    loading: read === undefined,
    failed,
    showMore: () => setLimit((n) => n + step),
    reload: () => setTries((n) => n + 1),
  };
}

/** The seq of the newest entry that changed who is in the group or what they may do. */
function lastChange(log: ConversationLog): number {
  const entry = log.items.findLast(
    ({ content: { t } }) => t === 'membersAdded' || t === 'memberRemoved' || t === 'roleChanged',
  );
  return entry?.seq ?? 0;
}

async function readMembers(
  all: AsyncIterable<Member>,
  limit: number,
): Promise<{ members: readonly Member[]; more: boolean }> {
  const members: Member[] = [];
  let more = false;
  for await (const member of all) {
    if (members.length === limit) {
      more = true;
      break;
    }
    members.push(member);
  }
  members.sort((a, b) => b.role - a.role || Number(a.userId > b.userId) - Number(a.userId < b.userId));
  return { members, more };
}

/** Whether somebody of one role may remove somebody of another. */
export function outranks(actor: Role, target: Role): boolean {
  return actor > target && actor >= Role.ADMIN;
}
