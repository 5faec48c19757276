import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { CommittedEventSchema, CommittedKind } from '../../gen/parley/node/v1/event_log_pb.ts';
import { type Digest, OfflineDigests } from './offline-digests.ts';

const intervalMs = 1_000;

interface Message {
  readonly seq: number;
  readonly atMs: number;
  readonly sender?: string;
  readonly kind?: CommittedKind;
}

function event(convId: string, ...messages: readonly Message[]) {
  return create(CommittedEventSchema, {
    convId,
    entries: messages.map(({ seq, atMs, sender = 'ann', kind = CommittedKind.MESSAGE }) => ({
      seq: BigInt(seq),
      msgId: BigInt(1_000 + seq),
      createdAtMs: BigInt(atMs),
      sender,
      kind,
    })),
  });
}

function ranges(digests: readonly Digest[]) {
  return digests.map(({ convId, firstSeq, lastSeq, messages }) => [convId, firstSeq, lastSeq, messages]);
}

describe('digests of messages', () => {
  it('gather those of a conversation within an interval', () => {
    const digests = new OfflineDigests({ intervalMs });
    digests.add(event('a', { seq: 1, atMs: 100 }), 110);
    digests.add(event('b', { seq: 5, atMs: 200 }), 210);
    digests.add(event('a', { seq: 2, atMs: 300 }, { seq: 3, atMs: 310, sender: 'bob' }), 320);
    assert.deepEqual(digests.due(999), []);
    const due = digests.due(1_000);
    assert.deepEqual(ranges(due), [
      ['a', 1, 3, 3],
      ['b', 5, 5, 1],
    ]);
    assert.equal(due[0]?.soleSender, undefined);
    assert.equal(due[0]?.sender, 'bob');
    assert.equal(due[0]?.msgId, 1_003n);
    assert.equal(due[1]?.soleSender, 'ann');
    assert.equal(digests.size, 0);
  });

  it('are closed by a message of a later interval, which opens the next', () => {
    const digests = new OfflineDigests({ intervalMs });
    digests.add(event('a', { seq: 1, atMs: 900 }), 900);
    const { joined, closed } = digests.add(event('a', { seq: 2, atMs: 1_100 }), 1_100);
    assert.deepEqual(ranges([closed as Digest, joined as Digest]), [
      ['a', 1, 1, 1],
      ['a', 2, 2, 1],
    ]);
  });

  it('take nothing but messages, and no message twice', () => {
    const digests = new OfflineDigests({ intervalMs });
    assert.deepEqual(digests.add(event('a', { seq: 1, atMs: 0, kind: CommittedKind.RECALL }), 0), {});
    digests.add(event('a', { seq: 2, atMs: 0 }, { seq: 3, atMs: 0, kind: CommittedKind.GROUP_RENAMED }), 0);
    digests.add(event('a', { seq: 2, atMs: 0 }), 0);
    assert.deepEqual(ranges(digests.due(intervalMs)), [['a', 2, 2, 1]]);
  });

  it('of an interval that is past are held open for a moment', () => {
    const digests = new OfflineDigests({ intervalMs });
    digests.add(event('a', { seq: 1, atMs: 0 }), 50_000);
    assert.deepEqual(digests.due(50_100), []);
    digests.add(event('a', { seq: 2, atMs: 1 }), 50_150);
    assert.deepEqual(ranges(digests.due(50_200)), [['a', 1, 2, 2]]);
  });

  it('are the same when the same messages are read again, at whatever pace', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat({ max: 150 }), { minLength: 40, maxLength: 40 }),
        fc.array(fc.nat({ max: 150 }), { minLength: 40, maxLength: 40 }),
        (gaps, pace, otherPace) => {
          let atMs = 0;
          const messages = gaps.map((gap, at) => ({ seq: at + 1, atMs: (atMs += gap) }));
          /** All digests of the messages, read so late each. */
          const read = (delays: readonly number[]) => {
            const digests = new OfflineDigests({ intervalMs });
            const closed: Digest[] = [];
            // Read live: nothing is read before it happened, nor after its interval is over.
            messages.forEach((message, at) => {
              const over = (Math.floor(message.atMs / intervalMs) + 1) * intervalMs - 1;
              const nowMs = Math.min(over, message.atMs + (delays[at] as number));
              const outcome = digests.add(event('a', message), nowMs);
              if (outcome.closed !== undefined) closed.push(outcome.closed);
            });
            return ranges([...closed, ...digests.due(Number.POSITIVE_INFINITY)]);
          };
          assert.deepEqual(read(pace), read(otherPace));
          assert.equal(
            read(pace).reduce((sum, [, , , count]) => sum + (count as number), 0),
            messages.length,
          );
        },
      ),
    );
  });

  it('end where they ended before, and begin no earlier, when only the newer messages are read again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 39 }),
        (gaps, from) => {
          let atMs = 0;
          const messages = gaps.map((gap, at) => ({ seq: at + 1, atMs: (atMs += gap) }));
          const read = (some: readonly Message[]) => {
            const digests = new OfflineDigests({ intervalMs });
            const closed = some.flatMap(
              (message) => digests.add(event('a', message), message.atMs).closed ?? [],
            );
            return [...closed, ...digests.due(Number.POSITIVE_INFINITY)];
          };
          const before = new Map(read(messages).map((digest) => [digest.lastSeq, digest]));
          for (const { firstSeq, lastSeq } of read(messages.slice(from))) {
            const same = before.get(lastSeq);
            assert.ok(
              same !== undefined && same.firstSeq <= firstSeq,
              `${firstSeq} to ${lastSeq} is another`,
            );
          }
        },
      ),
    );
  });
});
