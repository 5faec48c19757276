import { collapsedLines, isLong } from './long-text.ts';
import type { Row } from './rows.ts';

const lineHeight = 22;
const charactersPerLine = 60;
const fixed = { older: 48, start: 160, day: 48, unread: 40, notice: 32 } as const;

/** A guess at a row's height in px, corrected as soon as it is drawn. Good guesses make the scroll bar steady. */
export function estimateHeight(row: Row): number {
  if (row.t !== 'message' && row.t !== 'pending') return fixed[row.t];
  const text = textOf(row);
  const lines = isLong(text) ? collapsedLines + 2 : Math.ceil(text.length / charactersPerLine);
  return 20 + Math.max(1, lines) * lineHeight + (row.first ? 8 : 0);
}

function textOf(row: Extract<Row, { t: 'message' | 'pending' }>): string {
  if (row.t === 'pending') return row.send.text;
  const { content } = row.item;
  return content.t === 'message' && content.body.content.case === 'text' ? content.body.content.value : '';
}
