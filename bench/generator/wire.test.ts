import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { EntrySchema, MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import {
  ConnectResponseSchema,
  type Event,
  EventSchema,
  SentSchema,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { EventScanner, eventField } from './parley/events.ts';
import { conversationOf, numberOf, putStamp, senderOf, stampBytes } from './stamp.ts';
import { pairs } from './topology.ts';

const entry = (seq: bigint, text: string): Event =>
  create(EventSchema, {
    event: {
      case: 'entry',
      value: create(EntrySchema, {
        convId: 'd_x',
        seq,
        msgId: 2n ** 62n,
        sender: 'u00001',
        content: {
          case: 'message',
          value: create(MessageBodySchema, { content: { case: 'text', value: text } }),
        },
      }),
    },
  });
const sent = (replyTo: number, seq: bigint): Event =>
  create(EventSchema, { replyTo, event: { case: 'sent', value: create(SentSchema, { seq }) } });

test('events are found however frames are cut and joined', () => {
  const anyEvent = fc.oneof(
    fc
      .record({ seq: fc.bigInt(1n, 2n ** 53n), text: fc.string({ maxLength: 300 }) })
      .map((e) => entry(e.seq, e.text)),
    fc.record({ id: fc.nat(), seq: fc.bigInt(1n, 2n ** 53n) }).map((s) => sent(s.id, s.seq)),
  );
  fc.assert(
    fc.property(
      fc.array(anyEvent, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 90 })),
      (events, cuts) => {
        const bytes = Buffer.from(toBinary(ConnectResponseSchema, create(ConnectResponseSchema, { events })));
        const found: [number, number][] = [];
        const scanner = new EventScanner({
          event: (field, replyTo, buffer, start, end, itemStart, itemEnd) => {
            const i = found.push([field, replyTo]) - 1;
            const whole = toBinary(
              ConnectResponseSchema,
              create(ConnectResponseSchema, { events: [events[i] as Event] }),
            );
            assert.deepEqual(Buffer.from(buffer.subarray(itemStart, itemEnd)), Buffer.from(whole));
            assert.ok(start > itemStart && end === itemEnd);
          },
        });
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const stop = Math.min(bytes.length, at + cut);
          if (stop > at) scanner.feed(bytes, at, stop);
          at = stop;
        }
        const wanted = events.map((event) => [
          event.event.case === 'entry' ? eventField.entry : eventField.sent,
          event.replyTo,
        ]);
        assert.deepEqual(found, wanted);
      },
    ),
  );
});

test('a stamp gives back what it was made of', () => {
  const text = Buffer.alloc(stampBytes);
  fc.assert(
    fc.property(fc.nat(0xfffff), fc.nat(0xfffff), fc.nat(2 ** 31 - 1), (sender, conversation, k) => {
      putStamp(text, 0, sender, conversation, k);
      assert.deepEqual(
        [senderOf(text, 0), conversationOf(text, 0), numberOf(text, 0)],
        [sender, conversation, k],
      );
    }),
  );
});

test('pairs are different people, each pair at most once, and all of them get messages', () => {
  const topology = pairs(20, 100);
  const seen = new Set<string>();
  for (let c = 0; c < 100; c++) {
    const members = [0, 1].map((side) => topology.member(c, side));
    assert.notEqual(members[0], members[1]);
    members.forEach((user, side) => assert.equal(topology.side(c, user), side));
    seen.add(members.toSorted((one, other) => one - other).join());
  }
  assert.equal(seen.size, 100);
  const reached = new Set(Array.from({ length: 100 }, (_, k) => topology.conversationFor(k)));
  assert.equal(reached.size, 100);
});
