import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { type Command, CommandSchema } from '../../../gen/parley/chat/v1/session_pb.ts';

/** Random input for the properties that hold the hand-written codecs equal to protobuf-es. */

/** Text of all planes, without lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 80 });
const uint32 = fc.nat(0xffff_ffff);
/** Seqs on both sides of every varint length. */
export const seq = fc
  .tuple(fc.integer({ min: 0, max: 53 }), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([bits, part]) => Math.min(Math.floor(2 ** bits * (1 + part)), Number.MAX_SAFE_INTEGER));
export const uint64 = fc
  .tuple(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.bigInt({ min: 0n, max: 63n }))
  .map(([value, shift]) => value >> shift);

export const body = fc
  .record({
    contentType: text,
    content: fc.oneof(
      text.map((value) => ({ case: 'text' as const, value })),
      fc.uint8Array({ maxLength: 200 }).map((value) => ({ case: 'data' as const, value })),
      fc.constant({ case: undefined }),
    ),
    replyToSeq: uint64,
    attributes: fc.dictionary(text, text, { maxKeys: 4 }),
  })
  .map((init) => create(MessageBodySchema, init));

const send = fc.record({
  target: fc.oneof(
    text.map((value) => ({ case: 'convId' as const, value })),
    text.map((value) => ({ case: 'to' as const, value })),
    fc.constant({ case: undefined }),
  ),
  clientId: text,
  body: fc.option(body, { nil: undefined }),
});
const ack = fc.record({
  items: fc.array(fc.record({ convId: text, seq: uint64, msgId: uint64 }), { maxLength: 4 }),
});
type Choice = MessageInitShape<typeof CommandSchema>['command'];
const choice: fc.Arbitrary<Choice> = fc.oneof(
  send.map((value) => ({ case: 'send' as const, value })),
  ack.map((value) => ({ case: 'ack' as const, value })),
  text.map((token) => ({ case: 'hello' as const, value: { token } })),
  seq.map((value) => ({ case: 'read' as const, value: { seq: BigInt(value) } })),
  fc.constant({ case: undefined }),
);
export const command: fc.Arbitrary<Command> = fc
  .record({ id: uint32, command: choice })
  .map((init) => create(CommandSchema, init));

/** One field as it might stand anywhere: known or unknown numbers, every wire type, short and overlong varints. */
const rawField = fc
  .tuple(
    fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(127, 2047, 2048, 1 << 28)),
    fc.integer({ min: 0, max: 7 }),
    fc.uint8Array({ maxLength: 14 }),
    fc.boolean(),
  )
  .map(([number, wireType, data, overlong]) => {
    const tag = varint((number * 8 + wireType) >>> 0, overlong);
    const length = wireType === 2 ? varint(data.length, overlong) : [];
    return Uint8Array.from([...tag, ...length, ...data]);
  });

function varint(value: number, overlong: boolean): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return overlong ? [...bytes, rest | 0x80, 0] : [...bytes, rest];
}

/** A message's encoding, as it is or with fields put in, bytes changed, cut out or doubled, the end cut off. */
export function mutated<D extends DescMessage>(
  schema: D,
  message: fc.Arbitrary<MessageInitShape<D>>,
): fc.Arbitrary<Uint8Array> {
  const whole = message.map((init) => toBinary(schema, create(schema, init)));
  return fc.oneof(
    whole,
    fc.tuple(whole, rawField, fc.nat()).map(([bytes, field, at]) => splice(bytes, at, 0, field)),
    fc
      .tuple(whole, rawField, fc.boolean())
      .map(([bytes, field, end]) => splice(bytes, end ? bytes.length : 0, 0, field)),
    fc.tuple(whole, fc.uint8Array({ maxLength: 3 }), fc.nat()).map(([bytes, over, at]) => {
      return splice(bytes, at, over.length, over);
    }),
    fc.tuple(whole, fc.nat(), fc.nat(9)).map(([bytes, at, count]) => {
      return splice(bytes, at, count, new Uint8Array(0));
    }),
    fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1))),
    fc.tuple(whole, whole).map(([one, other]) => splice(one, one.length, 0, other)),
    fc.array(rawField, { maxLength: 5 }).map((fields) => Uint8Array.from(fields.flatMap((f) => [...f]))),
  );
}

function splice(bytes: Uint8Array, place: number, remove: number, insert: Uint8Array): Uint8Array {
  const at = place % (bytes.length + 1);
  return Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)]);
}
