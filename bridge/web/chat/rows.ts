import type { ConversationLog, LogItem, PendingSend } from '../../../sdk/types.ts';
import { daysBetween, dayStart } from '../app/times.ts';

/** One line of the message list. Keys are stable: a message keeps its own from pending to read. */
export type Row =
  | { readonly t: 'older'; readonly key: 'older' }
  | { readonly t: 'start'; readonly key: 'start' }
  | { readonly t: 'day'; readonly key: string; readonly atMs: number }
  | { readonly t: 'unread'; readonly key: 'unread' }
  | { readonly t: 'notice'; readonly key: string; readonly item: LogItem }
  | MessageRow
  | PendingRow;

export interface MessageRow extends Run {
  readonly t: 'message';
  readonly key: string;
  readonly item: LogItem;
  readonly own: boolean;
}

export interface PendingRow extends Run {
  readonly t: 'pending';
  readonly key: string;
  readonly send: PendingSend;
}

/** Messages of one sender that follow each other closely are a run: one name above, one face beside. */
interface Run {
  readonly first: boolean;
  readonly last: boolean;
}

export const unreadKey = 'unread';

/** A longer pause than this begins a new run. */
const runPauseMs = 5 * 60_000;

export interface RowsInit {
  readonly log: ConversationLog;
  readonly me: string;
  /** The line `new` stands before the first message of others behind this seq; undefined for no line. */
  readonly unreadAfter: number | undefined;
}

/** The lines of a conversation, oldest first. */
export function rowsOf({ log, me, unreadAfter }: RowsInit): readonly Row[] {
  const rows: Row[] = [log.hasOlder ? { t: 'older', key: 'older' } : { t: 'start', key: 'start' }];
  const runs = new RunBuilder(rows);
  let marked = unreadAfter === undefined || unreadIsOlder(log, unreadAfter);
  for (const item of log.items) {
    if (showsNothing(item)) continue;
    runs.day(item.createdAtMs);
    if (!marked && item.seq > (unreadAfter ?? 0) && item.sender !== me && isMessage(item)) {
      runs.between({ t: 'unread', key: unreadKey });
      marked = true;
    }
    if (!isMessage(item)) runs.between({ t: 'notice', key: `s:${item.seq}`, item });
    else {
      const own = item.sender === me;
      const key = own && item.clientId !== '' ? `c:${item.clientId}` : `s:${item.seq}`;
      runs.add(item.sender, item.createdAtMs, (first) => ({
        t: 'message',
        key,
        item,
        own,
        first,
        last: true,
      }));
    }
  }
  const stored = log.pending.length === 0 ? undefined : ownClientIds(log.items, me);
  for (const send of log.pending) {
    if (stored?.has(send.clientId)) continue;
    runs.day(send.createdAtMs);
    const key = `c:${send.clientId}`;
    runs.add(me, send.createdAtMs, (first) => ({ t: 'pending', key, send, first, last: true }));
  }
  return rows;
}

/** Whether what is unread begins before what has been loaded: the line then stands further up. */
export function unreadIsOlder(log: ConversationLog, unreadAfter: number): boolean {
  const first = log.items[0];
  return log.hasOlder && first !== undefined && first.seq > unreadAfter + 1;
}

/** Recalls show at the message that they take back. What a newer server has said in a way that this page doesn't know has a time. */
function showsNothing({ content, createdAtMs }: LogItem): boolean {
  return content.t === 'recall' || (content.t === 'hidden' && createdAtMs > 0);
}

function isMessage(item: LogItem): boolean {
  return item.content.t === 'message' || item.content.t === 'recalled';
}

function ownClientIds(items: readonly LogItem[], me: string): ReadonlySet<string> {
  return new Set(items.filter((item) => item.sender === me).map((item) => item.clientId));
}

/** Adds rows and keeps count of days and runs. */
class RunBuilder {
  readonly #rows: Row[];
  #dayFrom = Number.NaN;
  #sender: string | undefined;
  #lastAtMs = 0;

  constructor(rows: Row[]) {
    this.#rows = rows;
  }

  /** Puts a heading where a new day begins. Days never go back, even if a clock does; what is hidden has no time. */
  day(atMs: number): void {
    if (atMs === 0) return;
    if (atMs < this.#dayFrom || (atMs < this.#dayFrom + 23 * 3_600_000 && atMs >= this.#dayFrom)) return;
    if (!Number.isNaN(this.#dayFrom) && daysBetween(this.#dayFrom, atMs) < 1) return;
    this.#dayFrom = dayStart(atMs);
    this.between({ t: 'day', key: `d:${this.#dayFrom}`, atMs: this.#dayFrom });
  }

  between(row: Row): void {
    this.#rows.push(row);
    this.#sender = undefined;
  }

  add(sender: string, atMs: number, row: (first: boolean) => MessageRow | PendingRow): void {
    const follows = this.#sender === sender && atMs - this.#lastAtMs <= runPauseMs;
    if (follows) this.#openRun();
    this.#rows.push(row(!follows));
    this.#sender = sender;
    this.#lastAtMs = atMs;
  }

  /** The row before is no longer the last of its run. */
  #openRun(): void {
    const before = this.#rows.at(-1);
    if (before?.t === 'message' || before?.t === 'pending')
      this.#rows[this.#rows.length - 1] = { ...before, last: false };
  }
}
