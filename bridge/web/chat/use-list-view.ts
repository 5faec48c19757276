import { useRef, useState } from 'preact/hooks';
import type { ListView } from './message-list.tsx';
import { type Row, unreadKey } from './rows.ts';
import type { UnreadMark } from './use-unread-mark.ts';

interface ShownList {
  /** Which list it is: another one begins anew. */
  readonly list: number;
  /** What is in view of it; undefined before it was drawn. */
  readonly view: ListView | undefined;
  readonly onView: (next: ListView) => void;
}

/**
 * What the reader sees of the list. What was stored is shown at once; when it is known what is new, the list begins anew
 * at that, unless the reader has gone elsewhere meanwhile, or nothing is new.
 */
export function useListView(rows: readonly Row[], { known, after }: UnreadMark): ShownList {
  const [told, setTold] = useState<{ readonly list: number; readonly view: ListView }>();
  const begun = useRef({ list: 0, known, after });
  const isAtStart = useRef(true);
  if (known && !begun.current.known) {
    const marked = after !== undefined || begun.current.after !== undefined;
    begun.current = { list: marked && isAtStart.current ? 1 : 0, known, after };
  }
  const { list } = begun.current;
  const view = told?.list === list ? told.view : undefined;
  if (view !== undefined) isAtStart.current = view.atEnd || showsLine(rows, view);
  return {
    list,
    view,
    onView: (next) =>
      setTold((before) =>
        before?.list === list && sameView(before.view, next) ? before : { list, view: next },
      ),
  };
}

function showsLine(rows: readonly Row[], { visible }: ListView): boolean {
  return rows.slice(visible.from, visible.to).some(({ key }) => key === unreadKey);
}

function sameView(a: ListView, b: ListView): boolean {
  return (
    a.atEnd === b.atEnd &&
    a.nearStart === b.nearStart &&
    a.visible.from === b.visible.from &&
    a.visible.to === b.visible.to
  );
}
