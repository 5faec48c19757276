import { useEffect, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../sdk/types.ts';

/**
 * Where the line `new` stands: behind what was read when the conversation was opened, and later behind what there was
 * when the user looked away. It stays put while one reads; answering takes it off.
 */
export function useUnreadMark(
  summary: ConversationSummary | undefined,
  attention: boolean,
): [unreadAfter: number | undefined, clear: () => void] {
  const [mark, setMark] = useState(summary !== undefined && summary.unread > 0 ? summary.readSeq : undefined);
  useEffect(() => {
    if (!attention && summary !== undefined && summary.unread === 0) setMark(summary.headSeq);
  }, [attention]);
  return [mark, () => setMark(undefined)];
}
