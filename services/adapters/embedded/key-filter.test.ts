import type { ClientKey } from '../../ports/message-store.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as any from './testing/arbitrary.ts';
import { KeyFilter } from './key-filter.ts';
import { clientKeyKey } from './keys.ts';

const key = any
  .record({ convNo: any.u64, clientKey: any.clientKey })
  .map(({ convNo, clientKey }) => clientKeyKey(convNo, clientKey));

describe('a key filter', () => {
  it('never denies a key that it was told of', () => {
    const filter = new KeyFilter(0);
    filter.complete();
    fc.assert(
      fc.property(fc.array(key), (keys) => {
        for (const each of keys) filter.add(each);
        for (const each of keys) assert.equal(filter.mayHave(each), true);
      }),
    );
  });

  it('denies nothing until it is complete', () => {
    const filter = new KeyFilter(0);
    fc.assert(fc.property(key, (each) => assert.equal(filter.mayHave(each), true)));
    filter.complete();
    fc.assert(fc.property(key, (each) => assert.equal(filter.mayHave(each), false)));
  });

  it('denies nearly all others, also where keys differ in few bits', () => {
    const filter = new KeyFilter(0);
    filter.complete();
    const at = (convNo: number, n: number) => {
      const clientKey = Buffer.alloc(16);
      clientKey[15] = n;
      clientKey[14] = n >>> 8;
      return clientKeyKey(BigInt(convNo), clientKey.toString('latin1') as ClientKey);
    };
    for (let convNo = 0; convNo < 100; convNo++) for (let n = 0; n < 1_000; n++) filter.add(at(convNo, n));
    let wrong = 0;
    for (let convNo = 100; convNo < 200; convNo++)
      for (let n = 0; n < 1_000; n++) if (filter.mayHave(at(convNo, n))) wrong += 1;
    assert.ok(wrong < 100, `${wrong} of 100,000`);
  });
});
