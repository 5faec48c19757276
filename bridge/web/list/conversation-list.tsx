import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../sdk/types.ts';
import { useNow } from '../app/use-now.ts';
import type { Drafts } from '../chat/drafts.ts';
import { ConversationRow } from './conversation-row.tsx';
import './conversation-list.css';

interface ConversationListProps {
  conversations: readonly ConversationSummary[];
  selected: string;
  drafts: Drafts;
}

/** 68 px and a margin of 2 px above and below that do not collapse; see conversation-row.css. */
const rowPx = 72;
const overscan = 10;

/** The conversations, newest first. Only those near the viewport are drawn, so that thousands cost no more than twenty. */
export function ConversationList({ conversations, selected, drafts }: ConversationListProps) {
  const box = useRef<HTMLElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const now = useNow(30_000);
  useDrafts(drafts);
  useLayoutEffect(() => {
    const measure = () => setView((v) => ({ ...v, height: box.current?.clientHeight ?? v.height }));
    measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, []);
  const from = Math.max(0, Math.floor(view.top / rowPx) - overscan);
  const to = Math.min(conversations.length, Math.ceil((view.top + view.height) / rowPx) + overscan);
  const stop = conversations.findIndex(({ convId }) => convId === selected);
  return (
    <nav
      ref={box}
      class="conversation-list"
      aria-label="Conversations"
      onScroll={(event) => {
        const { scrollTop, clientHeight } = event.currentTarget;
        // A step of some rows at a time: nothing is redrawn for a pixel.
        if (Math.abs(scrollTop - view.top) > rowPx * 4) setView({ top: scrollTop, height: clientHeight });
      }}
      onKeyDown={moveAmongRows}
    >
      <ul style={{ height: `${conversations.length * rowPx}px`, paddingTop: `${from * rowPx}px` }}>
        {conversations.slice(from, to).map((summary, i) => (
          <li key={summary.convId}>
            <ConversationRow
              summary={summary}
              selected={summary.convId === selected}
              tabStop={from + i === Math.max(0, stop)}
              draft={summary.convId === selected ? '' : drafts.get(summary.convId)}
              now={now}
            />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function useDrafts(drafts: Drafts): void {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => drafts.onChange(() => redraw(undefined)), [drafts]);
}

function moveAmongRows(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const rows = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[data-conv]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  event.preventDefault();
  rows[at + step]?.focus();
}
