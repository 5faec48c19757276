import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ByteString } from '../core/byte-string.ts';
import { RecentEntries } from './recent-entries.ts';
import { storedEntry } from './testing/samples.ts';

function holding(from: number, to: number): RecentEntries {
  const recent = new RecentEntries();
  for (let seq = from; seq <= to; seq += 1) recent.push(storedEntry(seq));
  return recent;
}

describe('the newest entries of a conversation', () => {
  it('are given by seq and by range, whole or not at all', () => {
    const recent = holding(5, 8);
    assert.deepEqual([recent.firstSeq, recent.lastSeq], [5, 8]);
    assert.equal(recent.get(4), undefined);
    assert.equal(recent.get(9), undefined);
    assert.equal(recent.get(6)?.seq, 6);
    assert.deepEqual(
      recent.range(6, 8)?.map(({ seq }) => seq),
      [6, 7, 8],
    );
    assert.equal(recent.range(4, 6), undefined);
    assert.equal(recent.range(8, 9), undefined);
    assert.equal(new RecentEntries().range(0, 0), undefined);
  });

  it('start anew behind a hole', () => {
    const recent = holding(1, 3);
    recent.push(storedEntry(7));
    assert.deepEqual([recent.firstSeq, recent.lastSeq], [7, 7]);
  });

  it('take a changed entry in place of the old one', () => {
    const recent = holding(3, 5);
    const before = recent.bytes;
    recent.replace(storedEntry(4, { recalled: true, content: '' as ByteString }));
    assert.equal(recent.get(4)?.recalled, true);
    assert.ok(recent.bytes < before);
    recent.replace(storedEntry(9));
    assert.equal(recent.get(9), undefined);
  });

  it('know their weight, and can be cut down to the newest', () => {
    const steps = fc.array(fc.oneof(fc.constant('push'), fc.constant('hole'), fc.nat(5)), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (all) => {
        const recent = new RecentEntries();
        let seq = 0;
        for (const step of all) {
          if (typeof step === 'number') {
            recent.trim(step);
            assert.ok(recent.size <= step);
          } else {
            seq += step === 'hole' ? 3 : 1;
            recent.push(storedEntry(seq));
            assert.equal(recent.lastSeq, seq);
          }
          const held = recent.lastSeq === 0 ? [] : (recent.range(recent.firstSeq, recent.lastSeq) ?? []);
          const weight = held.reduce((sum, { content }) => sum + content.length + 200, 0);
          assert.equal(recent.bytes, weight);
        }
      }),
    );
  });
});
