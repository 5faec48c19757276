import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Told } from '../ports/devices.ts';
import { ToldBook } from './told-book.ts';

const mark = (seq: number): Told => ({
  userId: 'ann' as UserId,
  deviceId: 'phone',
  convId: 'g' as ConvId,
  seq,
});

describe('the book of what devices were told', () => {
  it('gathers while it writes, and resolves when it is written', async () => {
    const writes: Told[][] = [];
    const gates: (() => void)[] = [];
    const devices = {
      told: (marks: readonly Told[]) => {
        writes.push([...marks]);
        return new Promise<void>((resolve) => gates.push(resolve));
      },
    };
    const book = new ToldBook({ devices, failed: (error) => assert.fail(String(error)) });
    const marked: number[] = [];
    const all = Array.from({ length: 2_001 }, async (_, no) => {
      await book.mark(mark(no));
      marked.push(no);
    });
    assert.deepEqual(
      writes.map(({ length }) => length),
      [1],
    );
    while (marked.length < all.length) {
      gates.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    assert.deepEqual(
      writes.map(({ length }) => length),
      [1, 1_000, 1_000],
    );
  });

  it('drops what can’t be written, and goes on', async () => {
    const failures: unknown[] = [];
    let broken = true;
    const written: number[] = [];
    const devices = {
      told: async (marks: readonly Told[]) => {
        if (broken) throw new Error('away');
        written.push(...marks.map(({ seq }) => seq));
      },
    };
    const book = new ToldBook({ devices, failed: (error) => failures.push(error) });
    await book.mark(mark(1));
    broken = false;
    await book.mark(mark(2));
    assert.equal(failures.length, 1);
    assert.deepEqual(written, [2]);
  });
});
