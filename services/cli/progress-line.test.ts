import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProgressLine } from './progress-line.ts';

function told(terminal: boolean) {
  let nowMs = 0;
  let said = '';
  const io = {
    out: () => assert.fail('progress is no result'),
    note: (text: string) => void (said += text),
    terminal,
  };
  return {
    line: new ProgressLine({ io, nowMs: () => nowMs }),
    wait: (ms: number) => void (nowMs += ms),
    take: () => {
      const text = said;
      said = '';
      return text;
    },
  };
}

describe('progress', () => {
  it('on a terminal is one line, drawn anew', () => {
    const { line, wait, take } = told(true);
    line.begin('exporting', 200, 'rows');
    assert.equal(take(), `\r[${'.'.repeat(24)}] exporting: 0%, 0 rows`);
    line.advance(10);
    assert.equal(take(), '', 'not for every page');
    wait(100);
    line.advance(90);
    assert.equal(take(), `\r[${'#'.repeat(12)}${'.'.repeat(12)}] exporting: 50%, 100 rows`);
    wait(100);
    // There was more than was estimated: it is not done before it says so.
    line.advance(150);
    assert.match(take(), /99%, 250 rows/);
    line.end();
    assert.equal(take(), `\r[${'#'.repeat(24)}] exporting: 100%, 250 rows\n`);
  });

  it('wipes out what was longer before', () => {
    const { line, wait, take } = told(true);
    line.begin('reading', 3_000_000, 'bytes');
    const before = take().length;
    wait(100);
    line.advance(3_000_000);
    assert.equal(take().length >= before, true);
    line.end();
    assert.match(take(), /100%, 3\.0 MB\n$/);
  });

  it('elsewhere is a line now and then', () => {
    const { line, wait, take } = told(false);
    line.begin('importing', 100, 'rows');
    assert.equal(take(), 'importing\n');
    for (let at = 0; at < 9; at += 1) {
      wait(1_000);
      line.advance(5);
    }
    assert.equal(take(), '');
    wait(1_000);
    line.advance(5);
    assert.equal(take(), 'importing: 50%, 50 rows\n');
    line.end();
    assert.equal(take(), 'importing: 50 rows, done\n');
  });

  it('of nothing is done at once', () => {
    const { line, take } = told(true);
    line.begin('exporting', 0, 'rows');
    line.end();
    assert.match(take(), /100%, 0 rows\n$/);
  });
});
