import type { ClientKey } from '../../ports/message-store.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as any from './testing/arbitrary.ts';
import {
  after,
  clientKeyKey,
  convKey,
  convNoOf,
  convUserKey,
  entryKey,
  membershipKey,
  membershipOf,
  membershipsPrefix,
  msgIdKey,
  prefixRange,
  seqOf,
  table,
  tableRange,
  userOf,
} from './keys.ts';

const id = any.text.filter((one) => one !== '');

describe('keys', () => {
  it('sort as conversation, then seq', () => {
    const place = fc.record({ convNo: any.u64, seq: any.u53 });
    fc.assert(
      fc.property(place, place, (one, other) => {
        const byKey = Math.sign(
          Buffer.compare(entryKey(one.convNo, one.seq), entryKey(other.convNo, other.seq)),
        );
        const byConv = one.convNo < other.convNo ? -1 : one.convNo > other.convNo ? 1 : 0;
        assert.equal(byKey, byConv === 0 ? Math.sign(one.seq - other.seq) : byConv);
      }),
    );
  });

  it('sort msg ids as numbers', () => {
    fc.assert(
      fc.property(any.u64, any.u64, (one, other) => {
        assert.equal(Buffer.compare(msgIdKey(one), msgIdKey(other)) < 0, one < other);
      }),
    );
  });

  it('can be taken apart', () => {
    fc.assert(
      fc.property(any.u64, any.u53, any.userId, any.convId, (convNo, seq, userId, convId) => {
        assert.equal(convNoOf(entryKey(convNo, seq)), convNo);
        assert.equal(seqOf(entryKey(convNo, seq)), seq);
        assert.equal(userOf(convUserKey(table.member, convNo, userId)), userId);
        assert.deepEqual(membershipOf(membershipKey(userId, convId)), { userId, convId });
      }),
    );
  });

  it('of one user, and only those, lie in the range of the prefix', () => {
    fc.assert(
      fc.property(id, id, id, (one, other, convId) => {
        const { gte, lt } = prefixRange(membershipsPrefix(one as never));
        const key = membershipKey(other as never, convId as never);
        const inside = Buffer.compare(gte, key) <= 0 && Buffer.compare(key, lt) < 0;
        assert.equal(inside, one === other);
      }),
    );
  });

  it('of a table, and only those, lie in its range', () => {
    const tables = Object.values(table);
    for (const one of tables) {
      const { gte, lt } = tableRange(one);
      for (const other of tables) {
        const key = convKey(other, 2n ** 64n - 1n);
        assert.equal(Buffer.compare(gte, key) <= 0 && Buffer.compare(key, lt) < 0, one === other);
      }
    }
    assert.equal(new Set(tables).size, tables.length);
  });

  it('never mix client keys of two conversations', () => {
    const key = '\xff'.repeat(16) as ClientKey;
    const { lt } = prefixRange(convKey(table.clientKey, 5n));
    assert.ok(Buffer.compare(clientKeyKey(5n, key), lt) < 0);
    assert.ok(Buffer.compare(clientKeyKey(6n, '\0'.repeat(16) as ClientKey), lt) >= 0);
  });

  it('after a prefix begins what comes next, also past 0xff', () => {
    assert.deepEqual(after(Buffer.of(1, 0xff, 0xff)), Buffer.of(2));
    assert.throws(() => after(Buffer.of(0xff)), RangeError);
  });

  it('refuse a user id that does not fit', () => {
    assert.throws(() => membershipsPrefix('x'.repeat(256) as never), RangeError);
  });
});
