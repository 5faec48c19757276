import { dayLabel } from '../app/times.ts';
import type { Row } from './rows.ts';

/** Which day one looks at, while one looks back. The heading of the day itself scrolls away. */
export function FloatingDay({ row }: { row: Row | undefined }) {
  if (row?.t !== 'message' && row?.t !== 'notice') return null;
  // What was before one joined is of no day.
  if (row.item.createdAtMs === 0) return null;
  return (
    <div class="floating-day" aria-hidden="true">
      <span class="day-label">{dayLabel(row.item.createdAtMs, Date.now())}</span>
    </div>
  );
}
