import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { create, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import { type ByteString, byteString } from '../../services/core/byte-string.ts';
import { ConnectRequestSchema, ConnectResponseSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { cursorFragment } from '../../services/codec/cursor-event.ts';
import { decodeRequest, encodeEntry, entryFragment, sentFragment } from '../../services/codec/frames.ts';
import { currentGoldens, type Golden, schemas } from './frames.ts';
import { jsonOf } from './sample.ts';

const refresh = 'if the wire is meant to change, run: npx node scripts/golden-frames.ts --write';
const all: Golden[] = JSON.parse(readFileSync(new URL('frames.json', import.meta.url), 'utf8'));

function bytesOf(name: string): Uint8Array {
  const golden = all.find((each) => each.name === name);
  assert.ok(golden !== undefined, `${name} is missing: ${refresh}`);
  return Uint8Array.from(Buffer.from(golden.hex, 'hex'));
}

describe('the wire', () => {
  for (const golden of all) {
    it(`still has ${golden.name}`, () => {
      const desc = schemas.get(golden.type);
      assert.ok(desc !== undefined, `${golden.type} is gone`);
      const bytes = Uint8Array.from(Buffer.from(golden.hex, 'hex'));
      assert.deepEqual(jsonOf(desc, fromBinary(desc, bytes)), golden.json, refresh);
      const encoded = toBinary(desc, fromJson(desc, golden.json));
      assert.equal(Buffer.from(encoded).toString('hex'), golden.hex, refresh);
    });
  }

  it('has nothing that is not in the golden file', () => {
    const names = currentGoldens().map(({ name }) => name);
    assert.deepEqual(
      names,
      all.map(({ name }) => name),
      refresh,
    );
  });
});

describe('the hand-written codecs on the golden frames', () => {
  it('read send and ack', () => {
    const [send] = decodeRequest(bytesOf('Command.send'));
    assert.ok(send?.t === 'send');
    assert.equal(send.convId, 'convId ä😀');
    assert.equal(send.clientId, 'clientId ä😀');
    const [ack] = decodeRequest(bytesOf('Command.ack'));
    assert.ok(ack?.t === 'ack');
    assert.equal(ack.items.length, 2);
    assert.equal(ack.items[0]?.seq, Number.MAX_SAFE_INTEGER - 2);
  });

  it('write a cursor', () => {
    const frame = bytesOf('Event.cursor');
    const event = fromBinary(ConnectResponseSchema, frame).events[0]!;
    assert.ok(event.event.case === 'cursor');
    const { convId, userId, deliveredSeq, readSeq } = event.event.value;
    const written = cursorFragment({
      convId,
      userId,
      deliveredSeq: Number(deliveredSeq),
      readSeq: Number(readSeq),
    });
    assert.deepEqual(fromBinary(ConnectResponseSchema, written).events[0]?.event, event.event);
    const nothing = fromBinary(
      ConnectResponseSchema,
      cursorFragment({ convId: '', userId: '', deliveredSeq: 0, readSeq: 0 }),
    );
    assert.equal(nothing.events[0]?.event.case, 'cursor');
  });

  it('write entry and sent', () => {
    const entryFrame = bytesOf('Event.entry');
    const event = fromBinary(ConnectResponseSchema, entryFrame).events[0]!;
    assert.ok(event.event.case === 'entry');
    const { seq, createdAtMs, ord, ...rest } = event.event.value;
    const header = { ...rest, seq: Number(seq), createdAtMs: Number(createdAtMs), ord: Number(ord) };
    const blank = encodeEntry(header, '' as ByteString);
    const whole = bytesOf('Entry.message');
    const content = byteString(whole.subarray(blank.byteLength));
    assert.deepEqual(Uint8Array.from(encodeEntry(header, content)), whole);
    assert.deepEqual(
      fromBinary(ConnectResponseSchema, entryFragment(header, content)).events[0]?.event,
      event.event,
    );

    const sentFrame = bytesOf('Event.sent');
    const sent = fromBinary(ConnectResponseSchema, sentFrame).events[0]!;
    assert.ok(sent.event.case === 'sent');
    const plain = {
      ...sent.event.value,
      seq: Number(sent.event.value.seq),
      createdAtMs: Number(sent.event.value.createdAtMs),
    };
    assert.deepEqual(Uint8Array.from(sentFragment(sent.replyTo, plain)), sentFrame);
  });

  it('read every command, whatever it is', () => {
    for (const { name, type, hex } of all) {
      if (type !== ConnectRequestSchema.typeName) continue;
      const frame = Uint8Array.from(Buffer.from(hex, 'hex'));
      const [decoded] = decodeRequest(frame);
      const kind = decoded?.t === 'other' ? decoded.command.command.case : decoded?.t;
      assert.equal(`Command.${kind}`, name);
    }
  });

  it('take an empty frame for no commands', () => {
    assert.deepEqual(decodeRequest(toBinary(ConnectRequestSchema, create(ConnectRequestSchema))), []);
  });
});
