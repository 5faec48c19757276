import { useEffect } from 'preact/hooks';
import type { ConversationLog } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import type { ListView } from './message-list.tsx';
import type { Row } from './rows.ts';

interface MarkReadInit {
  convId: string;
  log: ConversationLog;
  rows: readonly Row[];
  view: ListView | undefined;
  /** Whether it is known what is new. */
  known: boolean;
  attention: boolean;
}

/** Marks as read what has been in view while somebody looked. The client knows what that says anew. */
export function useMarkRead({ convId, log, rows, view, known, attention }: MarkReadInit): void {
  const client = useClient();
  useEffect(() => {
    if (!attention || !known || view === undefined) return;
    client.markRead(convId, view.atEnd ? (log.items.at(-1)?.seq ?? 0) : lastSeq(rows, view.visible.to));
  }, [log, view, known, attention]);
}

/** The seq of the last entry among the rows up to an index. */
function lastSeq(rows: readonly Row[], to: number): number {
  for (let i = Math.min(to, rows.length) - 1; i >= 0; i--) {
    const row = rows[i];
    if (row?.t === 'message' || row?.t === 'notice') return row.item.seq;
  }
  return 0;
}
