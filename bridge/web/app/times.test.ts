import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayLabel, daysBetween, dayStart, lastSeen, shortTime } from './times.ts';

const noon = new Date(2026, 10, 24, 12, 0).getTime();
const at = (day: number, hour = 9, month = 10, year = 2026) => new Date(year, month, day, hour).getTime();

test('days are counted by midnights, not by hours', () => {
  assert.equal(daysBetween(at(23, 23), at(24, 0)), 1);
  assert.equal(daysBetween(at(24, 0), at(24, 23)), 0);
  assert.equal(dayStart(noon), at(24, 0));
  // Both changes of the clock lie in between, wherever the test runs.
  assert.equal(daysBetween(new Date(2026, 0, 1, 23).getTime(), new Date(2027, 0, 1, 1).getTime()), 365);
});

test('a day is called as people call it', () => {
  assert.equal(dayLabel(at(24), noon), 'Today');
  assert.equal(dayLabel(at(23, 23), noon), 'Yesterday');
  assert.equal(dayLabel(at(20), noon), 'Friday');
  assert.ok(!dayLabel(at(3), noon).includes('2026'));
  assert.ok(dayLabel(at(3, 9, 10, 2024), noon).includes('2024'));
});

test('lists show a time, a day or a date', () => {
  assert.match(shortTime(at(24), noon), /9:00/);
  assert.equal(shortTime(at(23), noon), 'Yesterday');
  // A server whose clock is ahead does not make messages of tomorrow.
  assert.equal(shortTime(at(25, 0), noon), shortTime(at(24, 0), noon));
});

test('last seen grows vaguer', () => {
  assert.equal(lastSeen(noon - 5_000, noon), 'last seen just now');
  assert.equal(lastSeen(noon - 5 * 60_000, noon), 'last seen 5 min ago');
  assert.match(lastSeen(at(24, 1), noon), /today at/);
  assert.match(lastSeen(at(23, 1), noon), /yesterday at/);
  assert.match(lastSeen(at(1, 1), noon), /on .*2026/);
});
