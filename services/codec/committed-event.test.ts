import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CommittedEntrySchema, CommittedKind } from '../../gen/parley/node/v1/event_log_pb.ts';
import { maxEventBytes } from '../ports/event-log.ts';
import { committedEvents, decodeCommittedEvent, encodeCommittedEvent } from './committed-event.ts';

function entry(seq: number, sender = 'ann', users: string[] = []) {
  return create(CommittedEntrySchema, {
    seq: BigInt(seq),
    msgId: 2n ** 62n + BigInt(seq),
    kind: CommittedKind.MEMBERS_ADDED,
    sender,
    createdAtMs: 1_700_000_000_000n,
    users,
  });
}

describe('committed events', () => {
  it('come back as they were', () => {
    const [event] = committedEvents('g', false, [entry(1), entry(2, 'bob', ['cyd'])]);
    assert.ok(event);
    assert.deepEqual(decodeCommittedEvent(encodeCommittedEvent(event)), event);
  });

  it('are one, unless they would be large; then several in order, each within the limit', () => {
    assert.equal(
      committedEvents(
        'g',
        false,
        Array.from({ length: 1_024 }, (_, i) => entry(i + 1)),
      ).length,
      1,
    );
    // The longest ids there can be: 64 characters of 4 bytes, which are 2 code units each.
    const long = '🙂'.repeat(64);
    const users = Array.from({ length: 1_001 }, () => long);
    const entries = Array.from({ length: 5 }, (_, i) => entry(i + 1, long, users));
    const events = committedEvents('g', false, entries);
    assert.ok(events.length > 1);
    for (const event of events) assert.ok(encodeCommittedEvent(event).byteLength <= maxEventBytes);
    assert.deepEqual(
      events.flatMap((event) => event.entries),
      entries,
    );
    assert.deepEqual(committedEvents('g', false, []), []);
  });

  it('are not made of what is no event', () => {
    for (const bytes of ['', 'garbage', '\u0000', '\n\u0001g']) {
      assert.throws(() => decodeCommittedEvent(Buffer.from(bytes)), bytes);
    }
  });
});
