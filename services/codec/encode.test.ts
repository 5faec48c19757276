import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type ByteString, bytesOf } from '../core/byte-string.ts';
import { LongFrame, wholeFrame } from '../core/frame.ts';
import { type Entry, EntrySchema, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { ConnectResponseSchema, EventSchema, SentSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { body, seq, uint64 } from './testing/arbitrary.ts';
import type { EntryHeader } from './entry.ts';
import {
  concat,
  encodeEntry,
  entriesFragment,
  entryFragment,
  eventFragment,
  messageContent,
  sentFragment,
} from './frames.ts';

// Lone surrogates included: they are written as U+FFFD, here as there.
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)) }),
);
const uint32 = fc.nat(0xffff_ffff);
const header: fc.Arbitrary<EntryHeader> = fc.record({
  convId: text,
  seq,
  msgId: uint64,
  sender: text,
  createdAtMs: fc.oneof(seq, fc.maxSafeInteger()),
  ord: seq,
  revision: uint32,
});
const bodyBytes = body.map((message) => toBinary(MessageBodySchema, message));
const content = fc.tuple(text, bodyBytes).map(([clientId, bytes]) => messageContent(clientId, bytes));
const page = fc.record({
  convId: text,
  entries: fc.array(
    fc.tuple(header, content).map(([h, c]) => ({ ...h, content: c })),
    { maxLength: 4 },
  ),
  headSeq: seq,
  more: fc.boolean(),
});

function referenceEntry(of: EntryHeader, encoded: ByteString): Entry {
  const known = fromBinary(EntrySchema, bytesOf(encoded));
  return create(EntrySchema, {
    convId: of.convId,
    seq: BigInt(of.seq),
    msgId: of.msgId,
    sender: of.sender,
    createdAtMs: BigInt(of.createdAtMs),
    ord: BigInt(of.ord),
    revision: of.revision,
    clientId: known.clientId,
    content: known.content,
  });
}

function same(actual: Uint8Array, expected: Uint8Array): void {
  assert.deepEqual(Uint8Array.from(actual), Uint8Array.from(expected));
}

describe('what is written by hand is what protobuf-es writes', () => {
  it('encodeEntry', () => {
    fc.assert(
      fc.property(header, content, (h, c) => {
        same(encodeEntry(h, c), toBinary(EntrySchema, referenceEntry(h, c)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('entryFragment', () => {
    fc.assert(
      fc.property(header, content, (h, c) => {
        const event = create(EventSchema, { event: { case: 'entry', value: referenceEntry(h, c) } });
        same(entryFragment(h, c), eventFragment(event));
      }),
    );
  });

  it('entriesFragment', () => {
    fc.assert(
      fc.property(uint32, page, (replyTo, p) => {
        const value = {
          ...p,
          headSeq: BigInt(p.headSeq),
          entries: p.entries.map((entry) => referenceEntry(entry, entry.content)),
        };
        // The order of fields differs.
        const reference = eventFragment(create(EventSchema, { replyTo, event: { case: 'entries', value } }));
        assert.deepEqual(
          fromBinary(ConnectResponseSchema, Uint8Array.from(wholeFrame(entriesFragment(replyTo, p)))),
          fromBinary(ConnectResponseSchema, reference),
        );
      }),
    );
  });

  it('entriesFragment shares the entries of a long page', () => {
    const written = messageContent(
      '',
      toBinary(
        MessageBodySchema,
        create(MessageBodySchema, {
          content: { case: 'text', value: 'x'.repeat(100) },
        }),
      ),
    );
    const entries = Array.from({ length: 50 }, (_, i) => ({
      ...{
        convId: 'garden',
        seq: i + 1,
        msgId: BigInt(i + 1),
        sender: 'ada',
        createdAtMs: 1,
        ord: i + 1,
        revision: 0,
      },
      content: written,
    }));
    const [one, other] = [1, 2].map((id) =>
      entriesFragment(id, { convId: 'garden', entries, headSeq: 50, more: true }),
    );
    assert.ok(one instanceof LongFrame && other instanceof LongFrame && one.rest === other.rest);
    const [event] = fromBinary(ConnectResponseSchema, wholeFrame(other)).events;
    assert.equal(event?.replyTo, 2);
    assert.ok(event.event.case === 'entries' && event.event.value.entries.length === 50);
    assert.deepEqual([event.event.value.headSeq, event.event.value.more], [50n, true]);
  });

  it('sentFragment', () => {
    const sent = fc.record({ convId: text, seq, msgId: uint64, createdAtMs: seq, duplicate: fc.boolean() });
    fc.assert(
      fc.property(uint32, sent, (replyTo, s) => {
        const value = create(SentSchema, { ...s, seq: BigInt(s.seq), createdAtMs: BigInt(s.createdAtMs) });
        same(
          sentFragment(replyTo, s),
          eventFragment(create(EventSchema, { replyTo, event: { case: 'sent', value } })),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('messageContent', () => {
    fc.assert(
      fc.property(text, body, (clientId, message) => {
        const entry = create(EntrySchema, { clientId, content: { case: 'message', value: message } });
        same(
          bytesOf(messageContent(clientId, toBinary(MessageBodySchema, message))),
          toBinary(EntrySchema, entry),
        );
      }),
    );
  });

  it('large contents, which get memory of their own', () => {
    const value = 'ä'.repeat(20_000);
    const bytes = toBinary(
      MessageBodySchema,
      create(MessageBodySchema, { content: { case: 'text', value } }),
    );
    const h = { convId: 'g', seq: 1, msgId: 2n, sender: 's', createdAtMs: 3, ord: 1, revision: 0 };
    const event = fromBinary(ConnectResponseSchema, entryFragment(h, messageContent('c', bytes))).events[0]
      ?.event;
    assert.ok(event?.case === 'entry' && event.value.content.case === 'message');
    assert.equal(event.value.content.value.content.value, value);
  });
});

describe('fragments', () => {
  it('are one valid frame when concatenated, and none changes another', () => {
    const h = (n: number) => ({
      convId: 'g',
      seq: n,
      msgId: 2n,
      sender: 's',
      createdAtMs: 3,
      ord: n,
      revision: 0,
    });
    const bytes = toBinary(
      MessageBodySchema,
      create(MessageBodySchema, { content: { case: 'text', value: 'x' } }),
    );
    const parts = Array.from({ length: 500 }, (_, i) =>
      entryFragment(h(i + 1), messageContent(`c${i}`, bytes)),
    );
    const { events } = fromBinary(ConnectResponseSchema, concat(parts));
    assert.deepEqual(
      events.map(({ event }) => event.case === 'entry' && [Number(event.value.seq), event.value.clientId]),
      Array.from({ length: 500 }, (_, i) => [i + 1, `c${i}`]),
    );
  });
});
