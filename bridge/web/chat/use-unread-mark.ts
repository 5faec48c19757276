import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../sdk/types.ts';

export interface UnreadMark {
  /** The line `new` stands behind this seq; undefined for no line. */
  readonly after: number | undefined;
  /** Whether it is known what is new. Before that the line stands where the last visit left it, and nothing was read. */
  readonly known: boolean;
}

interface UnreadMarkInit {
  summary: ConversationSummary | undefined;
  /** The log is still as it was stored. */
  stored: boolean;
  attention: boolean;
}

/**
 * Where the line `new` stands: behind what was read when the conversation was opened and the server heard of, and later
 * behind what there was when the user looked away. It stays put while one reads; answering takes it off.
 */
export function useUnreadMark({
  summary,
  stored,
  attention,
}: UnreadMarkInit): [mark: UnreadMark, clear: () => void] {
  const [mark, setMark] = useState<UnreadMark>({ after: unreadAfter(summary), known: !stored });
  const move = (after: number | undefined) => setMark(({ known }) => ({ after, known }));
  // Before it is painted: what has just come is neither shown without its line nor taken for read.
  useLayoutEffect(() => {
    if (mark.known || stored) return;
    setMark({ after: unreadAfter(summary) ?? (attention ? undefined : summary?.headSeq), known: true });
  }, [stored]);
  useEffect(() => {
    if (!attention && summary !== undefined && summary.unread === 0) move(summary.headSeq);
  }, [attention]);
  return [mark, () => move(undefined)];
}

function unreadAfter(summary: ConversationSummary | undefined): number | undefined {
  return summary !== undefined && summary.unread > 0 ? summary.readSeq : undefined;
}
