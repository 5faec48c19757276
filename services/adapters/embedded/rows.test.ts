import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as any from './testing/arbitrary.ts';
import {
  decodeConversationRow,
  decodeConvNo,
  decodeCursorRow,
  decodeEntryRow,
  decodeGroupRow,
  decodeHeadRow,
  decodeLeaseRow,
  decodeMemberRow,
  decodeMembershipRow,
  decodePlaceRow,
  decodeSeq,
  encodeConversationRow,
  encodeConvNo,
  encodeCursorRow,
  encodeEntryRow,
  encodeGroupRow,
  encodeHeadRow,
  encodeLeaseRow,
  encodeMemberRow,
  encodeMembershipRow,
  encodePlaceRow,
  encodeSeq,
  msgIdOfEntryRow,
} from './rows.ts';

const kind = fc.constantFrom<'direct' | 'group'>('direct', 'group');

function comesBack<T>(row: fc.Arbitrary<T>, encode: (row: T) => Buffer, decode: (value: Buffer) => T): void {
  fc.assert(
    fc.property(row, (one) => {
      // As LevelDB hands it out: a buffer of its own.
      assert.deepEqual(decode(Buffer.from(encode(one))), one);
    }),
  );
}

describe('rows read as they were written', () => {
  const entryRow = any.record({
    msgId: any.u64,
    kind: any.entryKind,
    ord: any.u53,
    sender: any.text,
    createdAtMs: any.u53,
    recalled: fc.boolean(),
    revision: any.u32,
    clientKey: fc.option(any.clientKey, { nil: undefined }),
    keyId: any.u32,
    sealed: any.bytes,
  });

  it('entries', () => comesBack(entryRow, encodeEntryRow, decodeEntryRow));
  it('an entry’s msg id, read alone', () =>
    fc.assert(fc.property(entryRow, (row) => assert.equal(msgIdOfEntryRow(encodeEntryRow(row)), row.msgId))));
  it('heads', () =>
    comesBack(
      any.record({ seq: any.u53, ord: any.u53, msgId: any.u64, projectedSeq: any.u53 }),
      encodeHeadRow,
      decodeHeadRow,
    ));
  it('conversations', () =>
    comesBack(
      any.record({ convId: any.convId, kind, users: fc.array(any.userId, { maxLength: 2 }) }),
      encodeConversationRow,
      decodeConversationRow,
    ));
  it('members', () => comesBack(any.member, encodeMemberRow, decodeMemberRow));
  it('memberships', () =>
    comesBack(
      any.record({
        convNo: any.u64,
        kind,
        peer: fc.option(
          any.userId.filter((id) => id !== ''),
          { nil: undefined },
        ),
        member: any.member,
      }),
      encodeMembershipRow,
      decodeMembershipRow,
    ));
  it('groups', () => comesBack(any.group, encodeGroupRow, decodeGroupRow));
  it('cursors', () => comesBack(any.cursor, encodeCursorRow, decodeCursorRow));
  it('leases', () =>
    comesBack(any.record({ holder: any.text, reservedUntilMs: any.u53 }), encodeLeaseRow, decodeLeaseRow));
  it('places', () =>
    comesBack(any.record({ convNo: any.u64, seq: any.u53 }), encodePlaceRow, decodePlaceRow));
  it('numbers', () => {
    comesBack(any.u64, encodeConvNo, decodeConvNo);
    comesBack(any.u53, encodeSeq, decodeSeq);
  });

  it('a word that this version does not know is an error', () => {
    const value = encodeConversationRow({ convId: 'x' as never, kind: 'group', users: [] });
    value[0] = 200;
    assert.throws(() => decodeConversationRow(value), /unknown code 200/);
  });
});
