import { useEffect, useRef } from 'preact/hooks';
import type { ConversationLog } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import type { ListView } from './message-list.tsx';
import type { Row } from './rows.ts';

interface MarkReadInit {
  convId: string;
  log: ConversationLog;
  rows: readonly Row[];
  view: ListView | undefined;
  attention: boolean;
}

/** Marks as read what has been in view while somebody looked. */
export function useMarkRead({ convId, log, rows, view, attention }: MarkReadInit): void {
  const client = useClient();
  const marked = useRef(0);
  useEffect(() => {
    if (!attention || view === undefined) return;
    const seq = view.atEnd ? (log.items.at(-1)?.seq ?? 0) : lastSeq(rows, view.visible.to);
    if (seq <= marked.current) return;
    marked.current = seq;
    client.markRead(convId, seq);
  }, [log, view, attention]);
}

/** The seq of the last entry among the rows up to an index. */
function lastSeq(rows: readonly Row[], to: number): number {
  for (let i = Math.min(to, rows.length) - 1; i >= 0; i--) {
    const row = rows[i];
    if (row?.t === 'message' || row?.t === 'notice') return row.item.seq;
  }
  return 0;
}
