import { LRUCache } from 'lru-cache';
import type { QuietHours, Recipient } from '../ports/devices.ts';

/** There are some 600 time zones; making a clock for one costs 50 µs, reading it 1 µs. */
const clocks = new LRUCache<string, Intl.DateTimeFormat>({ max: 1_000 });

/** Whether a user wants no push of a conversation at this time: silenced, the conversation silenced, or quiet hours. */
export function isSilent(
  { settings, silencedUntilMs }: Pick<Recipient, 'settings' | 'silencedUntilMs'>,
  nowMs: number,
): boolean {
  if (settings.silencedUntilMs > nowMs || silencedUntilMs > nowMs) return true;
  return settings.quietHours !== undefined && isQuiet(settings.quietHours, nowMs);
}

/**
 * Whether the clock on the wall there stands between the two times. By that clock, so that summer time moves the hours
 * with it; an hour that comes twice is as quiet the second time. A time zone that is not known here any more is UTC.
 */
export function isQuiet({ fromMinute, toMinute, timeZone }: QuietHours, nowMs: number): boolean {
  if (fromMinute === toMinute) return true;
  const minute = minuteOfDay(timeZone, nowMs);
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

function minuteOfDay(timeZone: string, nowMs: number): number {
  let hours = 0;
  let minutes = 0;
  for (const { type, value } of clockOf(timeZone).formatToParts(nowMs)) {
    if (type === 'hour') hours = Number(value);
    else if (type === 'minute') minutes = Number(value);
  }
  return hours * 60 + minutes;
}

function clockOf(timeZone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    clock = makeClock(timeZone);
    clocks.set(timeZone, clock);
  }
  return clock;
}

function makeClock(timeZone: string): Intl.DateTimeFormat {
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
  }
}
