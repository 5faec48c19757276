import { useRef } from 'preact/hooks';
import type { LogItem } from '../../../sdk/types.ts';
import { contentLine, noticeText } from './wording.ts';

/** Reads what arrives aloud to those who listen to the page. The list itself stays silent: it redraws old rows. */
export function Announcer({ items, me, direct }: { items: readonly LogItem[]; me: string; direct: boolean }) {
  const opened = useRef(items.at(-1)?.seq ?? 0);
  const last = items.at(-1);
  let text = '';
  if (last !== undefined && last.seq > opened.current && last.sender !== me) {
    const { content } = last;
    if (content.t === 'message') text = `${direct ? '' : `${last.sender}: `}${contentLine(content)}`;
    else text = noticeText(last, me);
  }
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {text === '' ? null : <span key={last?.seq}>{text}</span>}
    </div>
  );
}
