/** The page speaks English; of its kinds the one that the reader likes. */
const locale = navigator.languages?.find((language) => /^en\b/u.test(language)) ?? 'en-GB';
const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
const shortWeekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
const dayMonth = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const fullDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = new Intl.DateTimeFormat(locale, { day: '2-digit', month: '2-digit', year: '2-digit' });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });

/** The local midnight that a moment's day began with. */
export function dayStart(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** How many midnights lie between two moments; not hours, since days may have 23 or 25. */
export function daysBetween(earlierMs: number, laterMs: number): number {
  return Math.round((dayStart(laterMs) - dayStart(earlierMs)) / 86_400_000);
}

export function clockTime(atMs: number): string {
  return clock.format(atMs);
}

/** For a tooltip: everything that is known of a moment. */
export function exactTime(atMs: number): string {
  return exact.format(atMs);
}

/** A day as the heading over its messages. */
export function dayLabel(atMs: number, nowMs: number): string {
  const ago = daysBetween(atMs, nowMs);
  if (ago === 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  if (ago > 1 && ago < 7) return weekday.format(atMs);
  return ago < 300 && ago > 0 ? dayMonth.format(atMs) : fullDay.format(atMs);
}

/** A moment in as few characters as a list has room for. */
export function shortTime(atMs: number, nowMs: number): string {
  const ago = daysBetween(atMs, nowMs);
  if (ago <= 0) return clock.format(atMs);
  if (ago === 1) return 'Yesterday';
  return ago < 7 ? shortWeekday.format(atMs) : shortDay.format(atMs);
}

/** When somebody was last there. */
export function lastSeen(atMs: number, nowMs: number): string {
  const minutes = Math.floor((nowMs - atMs) / 60_000);
  if (minutes < 1) return 'last seen just now';
  if (minutes < 60) return `last seen ${minutes} min ago`;
  const ago = daysBetween(atMs, nowMs);
  if (ago === 0) return `last seen today at ${clock.format(atMs)}`;
  return ago === 1 ? `last seen yesterday at ${clock.format(atMs)}` : `last seen on ${fullDay.format(atMs)}`;
}
