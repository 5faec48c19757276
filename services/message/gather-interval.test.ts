import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatherIntervalMs } from './gather-interval.ts';

describe('the interval between commits', () => {
  const cases: [commands: number, atMostMs: number, expected: number][] = [
    [1, 20, 0],
    [31, 20, 0],
    [32, 20, 5],
    [64, 20, 5],
    [160, 20, 11],
    [304, 20, 20],
    [4_096, 20, 20],
    [32, 2, 2],
    [4_096, 0, 0],
  ];
  for (const [commands, atMostMs, expected] of cases)
    it(`of ${commands} commands is ${expected} ms where ${atMostMs} are allowed`, () =>
      assert.equal(gatherIntervalMs(commands, atMostMs), expected));
});
