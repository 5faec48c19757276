import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { RecentCommits } from './recent-commits.ts';

const id = (name: string) => name as ConvId;

function open(max = 100) {
  const time = { ms: 0 };
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  const recent = new RecentCommits({ clock, keepMs: 5_000, max });
  const at = (ms: number, convId: string, seq: number) => {
    time.ms = ms;
    recent.committed(id(convId), seq);
  };
  return { recent, at };
}

describe('what was committed lately', () => {
  it('is known by its first entry', () => {
    const { recent, at } = open();
    at(0, 'a', 3);
    at(0, 'a', 4);
    at(0, 'b', 9);
    assert.deepEqual(
      [...recent.since(0)],
      [
        ['a', 3],
        ['b', 9],
      ],
    );
  });

  it('I5: is told from a time on, or from somewhat earlier', () => {
    const { recent, at } = open();
    at(0, 'a', 3);
    at(1_500, 'a', 5);
    at(1_900, 'a', 6);
    at(3_000, 'b', 1);
    assert.equal(recent.since(1_499).get(id('a')), 3);
    assert.equal(recent.since(1_500).get(id('a')), 5);
    assert.equal(recent.since(1_900).get(id('a')), 5, 'a second goes whole');
    assert.deepEqual([...recent.since(3_000)], [['b', 1]]);
    assert.deepEqual([...recent.since(9_000)], [['b', 1]]);
  });

  it('is kept for as long as it should be, and forgotten some time after', () => {
    const { recent, at } = open();
    at(0, 'a', 3);
    at(1_000, 'b', 5);
    at(5_999, 'c', 5);
    assert.equal(recent.since(0).get(id('a')), 3);
    at(7_000, 'd', 5);
    assert.deepEqual([...recent.since(0).keys()].sort(), ['b', 'c', 'd']);
  });

  it('I5: is known to be forgotten where it is', () => {
    const { recent, at } = open(10);
    at(0, 'a', 1);
    at(2_000, 'b', 1);
    at(6_999, 'c', 1);
    assert.equal(recent.forgottenToMs, Number.NEGATIVE_INFINITY);
    at(7_000, 'd', 1);
    at(8_000, 'e', 1);
    assert.equal(recent.forgottenToMs, 1_000);
    // More than there is room for, in several seconds and in one.
    for (let no = 0; no < 7; no += 1) at(9_000, `f${no}`, 1);
    assert.ok(recent.forgottenToMs >= 2_000 && recent.forgottenToMs <= 8_000);
    for (let no = 0; no < 11; no += 1) at(12_345, `g${no}`, 1);
    assert.equal(recent.forgottenToMs, 12_345);
    assert.deepEqual([...recent.since(0).keys()], []);
  });

  it('I6: is of no more conversations than it may be', () => {
    const { recent, at } = open(10);
    for (let no = 0; no < 1_000; no += 1) at(no, `c${no}`, 1);
    assert.ok(recent.since(0).size <= 10);
    assert.equal(recent.since(0).get(id('c999')), 1);
  });
});
