import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import { RecentCommits } from './recent-commits.ts';

const id = (name: string) => name as ConvId;

function open(max = 100) {
  const time = { ms: 0 };
  const clock = { wallMs: () => time.ms, monotonicMs: () => time.ms };
  return { time, recent: new RecentCommits({ clock, keepMs: 1_000, max }) };
}

describe('what was committed lately', () => {
  it('is known by its first entry', () => {
    const { recent } = open();
    recent.committed(id('a'), 3);
    recent.committed(id('a'), 4);
    recent.committed(id('b'), 9);
    assert.deepEqual(
      [...recent.all()],
      [
        ['a', 3],
        ['b', 9],
      ],
    );
  });

  it('is kept for as long as it should be, and forgotten some time after', () => {
    const { time, recent } = open();
    recent.committed(id('a'), 3);
    time.ms = 1_000;
    recent.committed(id('b'), 5);
    time.ms = 1_999;
    recent.committed(id('c'), 5);
    assert.equal(recent.all().get(id('a')), 3);
    time.ms = 2_000;
    recent.committed(id('d'), 5);
    assert.deepEqual([...recent.all().keys()].sort(), ['b', 'c', 'd']);
  });

  it('keeps the first entry of one that goes on', () => {
    const { time, recent } = open();
    recent.committed(id('a'), 3);
    time.ms = 1_000;
    recent.committed(id('a'), 7);
    assert.equal(recent.all().get(id('a')), 3);
  });

  it('I6: is of no more conversations than it may be', () => {
    const { recent } = open(10);
    for (let no = 0; no < 1_000; no += 1) recent.committed(id(`c${no}`), 1);
    assert.ok(recent.all().size <= 20);
    assert.equal(recent.all().get(id('c999')), 1);
  });
});
