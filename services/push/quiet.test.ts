import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noSettings, type QuietHours } from '../ports/devices.ts';
import { isQuiet, isSilent } from './quiet.ts';

function hours(from: string, to: string, timeZone: string): QuietHours {
  const [fromMinute, toMinute] = [from, to].map((clock) => {
    const [hour = 0, minute = 0] = clock.split(':').map(Number);
    return hour * 60 + minute;
  }) as [number, number];
  return { fromMinute, toMinute, timeZone };
}

const berlin = hours('22:00', '07:00', 'Europe/Berlin');

/** Quiet hours, a moment, and whether it is quiet then. */
const cases: readonly (readonly [string, QuietHours, string, boolean])[] = [
  ['a minute before', berlin, '2026-01-10T20:59:59Z', false],
  ['as they begin', berlin, '2026-01-10T21:00:00Z', true],
  ['over midnight', berlin, '2026-01-10T23:30:00Z', true],
  ['the last minute', berlin, '2026-01-11T05:59:59Z', true],
  ['as they end', berlin, '2026-01-11T06:00:00Z', false],
  ['in summer an hour earlier', berlin, '2026-07-10T20:00:00Z', true],
  ['in summer, as they end', berlin, '2026-07-11T05:00:00Z', false],
  // On 2026-03-29 the clocks go from 02:00 to 03:00, at 01:00Z.
  [
    'before the hour that is left out',
    hours('02:30', '04:00', 'Europe/Berlin'),
    '2026-03-29T00:59:59Z',
    false,
  ],
  [
    'behind the hour that is left out',
    hours('02:30', '04:00', 'Europe/Berlin'),
    '2026-03-29T01:00:00Z',
    true,
  ],
  // On 2026-10-25 the hour from 02:00 comes twice, from 00:00Z on.
  ['the first of two hours', hours('02:15', '02:45', 'Europe/Berlin'), '2026-10-25T00:30:00Z', true],
  ['the second of two hours', hours('02:15', '02:45', 'Europe/Berlin'), '2026-10-25T01:30:00Z', true],
  ['between the two', hours('02:15', '02:45', 'Europe/Berlin'), '2026-10-25T01:00:00Z', false],
  [
    'where the day has begun already',
    hours('00:00', '06:00', 'Pacific/Kiritimati'),
    '2026-01-10T11:00:00Z',
    true,
  ],
  ['half an hour beside the others', hours('12:00', '12:30', 'Asia/Kolkata'), '2026-01-10T06:45:00Z', true],
  ['all day', hours('09:00', '09:00', 'UTC'), '2026-01-10T15:00:00Z', true],
  ['midnight is no 24:00', hours('00:00', '00:30', 'UTC'), '2026-01-10T00:10:00Z', true],
  [
    'in a zone that nobody knows any more: UTC',
    hours('10:00', '11:00', 'Mars/Base'),
    '2026-01-10T10:30:00Z',
    true,
  ],
];

describe('quiet hours', () => {
  for (const [name, quiet, at, expected] of cases)
    it(name, () => assert.equal(isQuiet(quiet, Date.parse(at)), expected));

  it('are a part of the day, and what is turned round is the rest of it', () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe');
    fc.assert(
      fc.property(minute, minute, zone, time, (fromMinute, toMinute, timeZone, atMs) => {
        fc.pre(fromMinute !== toMinute);
        const inside = isQuiet({ fromMinute, toMinute, timeZone }, atMs);
        const outside = isQuiet({ fromMinute: toMinute, toMinute: fromMinute, timeZone }, atMs);
        assert.notEqual(inside, outside);
      }),
    );
  });
});

describe('silence', () => {
  const at = Date.parse('2026-01-10T12:00:00Z');
  it('is the user’s, the conversation’s, or that of the hour', () => {
    assert.equal(isSilent({ settings: noSettings, silencedUntilMs: 0 }, at), false);
    assert.equal(
      isSilent({ settings: { ...noSettings, silencedUntilMs: at + 1 }, silencedUntilMs: 0 }, at),
      true,
    );
    assert.equal(isSilent({ settings: noSettings, silencedUntilMs: at + 1 }, at), true);
    const quietHours = hours('11:00', '13:00', 'UTC');
    assert.equal(isSilent({ settings: { ...noSettings, quietHours }, silencedUntilMs: 0 }, at), true);
  });

  it('ends', () => {
    assert.equal(
      isSilent({ settings: { ...noSettings, silencedUntilMs: at }, silencedUntilMs: at }, at),
      false,
    );
  });
});
