import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConversationSnapshot, Head, Membership, StoredEntry } from '../../ports/message-store.ts';
import {
  decodeClientKeys,
  decodeCursors,
  decodeDuplicates,
  decodeEntries,
  decodeMemberships,
  decodeSnapshots,
  encodeClientKeys,
  encodeCursors,
  encodeDuplicates,
  encodeEntries,
  encodeMemberships,
  encodeSnapshots,
} from './answer-codec.ts';
import * as any from './testing/arbitrary.ts';
import type { ByteWriter } from '../../core/bytes.ts';
import { decodeCommit, decodeOutcomes, encodeCommit, encodeOutcomes } from '../../ports/commit-codec.ts';
import { pack, unpack } from './protocol.ts';

const kind = fc.constantFrom<'direct' | 'group'>('direct', 'group');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const head: fc.Arbitrary<Head> = any.record({ seq: any.u53, ord: any.u53, msgId: any.u64 });
// No id is empty; on the wire an empty one stands for none.
const peer = maybe(any.userId.filter((id) => id !== ''));

const storedEntry: fc.Arbitrary<StoredEntry> = any.record({
  seq: any.u53,
  msgId: any.u64,
  kind: any.entryKind,
  ord: any.u53,
  sender: any.text,
  createdAtMs: any.u53,
  recalled: fc.boolean(),
  revision: any.u32,
  content: any.content,
});

const snapshot: fc.Arbitrary<ConversationSnapshot> = any.record({
  convNo: any.u64,
  convId: any.convId,
  kind,
  head,
  projectedSeq: any.u53,
  group: maybe(any.group),
  members: fc.array(any.member, { maxLength: 5 }),
});

const membership: fc.Arbitrary<Membership> = any.record({
  convNo: any.u64,
  convId: any.convId,
  kind,
  member: any.member,
  head,
  peer,
  cursor: maybe(any.cursor),
  peerCursor: maybe(any.cursor),
  group: maybe(any.group),
});

/** What was encoded comes back the same; what was cut short is an error, never a wrong value. */
function comesBack<T>(
  value: fc.Arbitrary<T>,
  encode: (value: T) => ByteWriter,
  decode: (bytes: Uint8Array) => unknown,
): void {
  fc.assert(
    fc.property(value, fc.nat(), (one, cut) => {
      const packed = pack(encode(one));
      assert.deepEqual(decode(unpack(packed)), one);
      const shorter = new Uint8Array(packed.buffer, 0, cut % packed.length);
      assert.throws(() => decode(shorter), RangeError);
    }),
  );
}

describe('what crosses between the threads', () => {
  it('batches', () => comesBack(any.commitBatch, encodeCommit, decodeCommit));
  it('outcomes', () => comesBack(fc.array(any.outcome), encodeOutcomes, decodeOutcomes));
  it('entries', () => comesBack(fc.array(storedEntry), encodeEntries, decodeEntries));
  it('snapshots', () => comesBack(fc.array(maybe(snapshot)), encodeSnapshots, decodeSnapshots));
  it('memberships', () => comesBack(fc.array(membership), encodeMemberships, decodeMemberships));
  it('cursors', () => comesBack(fc.array(any.cursor), encodeCursors, decodeCursors));
  it('duplicates', () => comesBack(fc.array(any.duplicate), encodeDuplicates, decodeDuplicates));
  it('client keys', () =>
    comesBack(
      any.record({ convNo: any.u64, keys: fc.array(any.clientKey) }),
      ({ convNo, keys }) => encodeClientKeys(convNo, keys),
      decodeClientKeys,
    ));
});
