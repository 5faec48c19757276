import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { type CommandSchema, ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault } from '../core/fault.ts';
import { command, mutated } from './testing/arbitrary.ts';
import { classify, type DecodedCommand } from './decoded-command.ts';
import { decodeRequest } from './request.ts';

/** What protobuf-es makes of what it knows in a frame; undefined where it refuses it. */
function reference(frame: Uint8Array): DecodedCommand[] | undefined {
  try {
    return fromBinary(ConnectRequestSchema, frame, { readUnknownFields: false }).commands.map(classify);
  } catch {
    return undefined;
  }
}

function straight(frame: Uint8Array): DecodedCommand[] | undefined {
  try {
    return decodeRequest(frame);
  } catch (error) {
    assert.ok(error instanceof Fault && error.reason === 'malformedFrame');
    return undefined;
  }
}

/** What protobuf-es writes of what it has read. */
function again(frame: Uint8Array): Uint8Array {
  return toBinary(ConnectRequestSchema, fromBinary(ConnectRequestSchema, frame));
}

/** Whether there may be a length of 2^32 and more in it: protobuf-es takes it for what its lower 32 bits are. */
function mayBeLong(frame: Uint8Array): boolean {
  return frame.some(
    (last, at) =>
      at >= 4 && last > 0x0f && last < 0x80 && frame.subarray(at - 4, at).every((byte) => byte >= 0x80),
  );
}

/** Commands without their bodies, and the bodies decoded; undefined for a body that doesn't decode. */
function comparable(commands: readonly DecodedCommand[]) {
  return commands.map((command) => {
    if (command.t === 'refused') return { ...command, fault: [command.fault.reason, command.fault.field] };
    if (command.t !== 'send') return command;
    return { ...command, body: plainBody(command.body) };
  });
}

function plainBody(bytes: Uint8Array): unknown {
  try {
    // 97, since three messages stand around a body.
    return fromBinary(MessageBodySchema, bytes, { recursionLimit: 97, readUnknownFields: false });
  } catch {
    return 'broken';
  }
}

const request = fc.array(command, { maxLength: 4 }).map((commands) => ({ commands }));
const frame = mutated(ConnectRequestSchema, request);

describe('decodeRequest', () => {
  it('makes of every frame what protobuf-es makes of it', () => {
    fc.assert(
      fc.property(frame, (bytes) => {
        const expected = reference(bytes);
        const actual = straight(Uint8Array.from(bytes));
        const commands = actual && comparable(actual);
        // The one difference that is meant: a broken body is left for checkBody to refuse. protobuf-es refuses the frame,
        // or reads on where a field of the body ends that is longer than the body.
        const broken = commands?.findIndex((each) => each.t === 'send' && each.body === 'broken') ?? -1;
        if (expected !== undefined) {
          // The other one: what no encoder writes.
          if (commands === undefined) {
            if (!mayBeLong(bytes))
              assert.notDeepEqual(again(bytes), bytes, 'protobuf-es takes it, and would write it so');
            return;
          }
          const upTo = broken < 0 ? undefined : broken;
          assert.deepEqual(commands.slice(0, upTo), comparable(expected).slice(0, upTo));
        } else if (commands !== undefined) assert.ok(broken >= 0, 'protobuf-es refuses it');
      }),
      { numRuns: 5_000 },
    );
  });

  it('leaves a body with a field that is longer than it for later, and reads the next command', () => {
    const body = [0x82, 0x09, 116];
    const first = [0x08, 1, 0x22, 2 + body.length, 0x22, body.length, ...body];
    const [send, ...others] = decodeRequest(Uint8Array.of(0x0a, first.length, ...first, 0x0a, 2, 0x08, 2));
    assert.ok(send?.t === 'send');
    assert.deepEqual([...send.body], body);
    assert.deepEqual(
      others.map(({ id }) => id),
      [2],
    );
  });

  it('refuses a field of 4 GiB, which protobuf-es takes for an empty one', () => {
    const huge = [0x7a, 0x80, 0x80, 0x80, 0x80, 0x10];
    const bytes = Uint8Array.of(0x0a, 4 + huge.length, 0x08, 1, 0x3a, huge.length, ...huge);
    assert.equal(reference(bytes)?.length, 1);
    assert.equal(straight(bytes), undefined);
  });

  it('keeps the body of a send as it was on the wire', () => {
    const body = create(MessageBodySchema, { content: { case: 'text', value: 'grüß dich' } });
    body.$unknown = [{ no: 99, wireType: 0, data: Uint8Array.of(7) }];
    const bytes = toBinary(
      ConnectRequestSchema,
      create(ConnectRequestSchema, {
        commands: [
          {
            id: 7,
            command: { case: 'send', value: { target: { case: 'to', value: 'ann' }, clientId: 'c', body } },
          },
        ],
      }),
    );
    const [send] = decodeRequest(bytes);
    assert.ok(send?.t === 'send');
    assert.deepEqual(
      { ...send, body: Uint8Array.from(send.body) },
      {
        t: 'send',
        id: 7,
        convId: undefined,
        to: 'ann',
        clientId: 'c',
        body: toBinary(MessageBodySchema, body),
      },
    );
  });

  it('merges the occurrences of a body, as protobuf has it', () => {
    const part = (init: Parameters<typeof create<typeof MessageBodySchema>>[1]) => {
      const bytes = toBinary(MessageBodySchema, create(MessageBodySchema, init));
      return [0x22, bytes.length, ...bytes];
    };
    const send = [
      ...part({ contentType: 'text/markdown' }),
      ...part({ content: { case: 'text', value: 'hi' } }),
    ];
    const [decoded] = decodeRequest(Uint8Array.from([0x0a, send.length + 2, 0x22, send.length, ...send]));
    assert.ok(decoded?.t === 'send');
    const body = fromBinary(MessageBodySchema, decoded.body);
    assert.equal(body.contentType, 'text/markdown');
    assert.deepEqual(body.content, { case: 'text', value: 'hi' });
  });

  it('refuses an ack with a seq above 2^53, and goes on', () => {
    const acks = [Number.MAX_SAFE_INTEGER, 2 ** 53].map((seq, i) => ({
      id: i + 1,
      command: {
        case: 'ack' as const,
        value: {
          items: [
            { convId: 'g', seq: 1n },
            { convId: 'h', seq: BigInt(seq) },
          ],
        },
      },
    }));
    const decoded = decodeRequest(
      toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: acks.reverse() })),
    );
    assert.deepEqual(
      decoded.map((each) => [each.t, each.id]),
      [
        ['refused', 2],
        ['ack', 1],
      ],
    );
    assert.ok(decoded[0]?.t === 'refused');
    assert.equal(decoded[0].fault.reason, 'seqOutOfRange');
    assert.equal(decoded[0].fault.field, 'ack.items[1].seq');
    assert.ok(decoded[1]?.t === 'ack');
    assert.equal(decoded[1].items[1]?.seq, Number.MAX_SAFE_INTEGER);
  });

  describe('takes no more of a frame than the limits', () => {
    const emptyCommands = (count: number) =>
      new Uint8Array(2 * count).fill(0x0a).map((byte, at) => byte * ((at + 1) % 2));
    /** A field of the frame that this server doesn't know: such a frame isn't read straight. */
    const odd = Uint8Array.of(0x7a, 0);
    const encoded = (command: NonNullable<MessageInitShape<typeof CommandSchema>['command']>) =>
      toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: [{ command }] }));
    const watch = (users: number, ...before: readonly number[]) => {
      const userIds = Array.from({ length: users }, () => '');
      return Uint8Array.from([...before, ...encoded({ case: 'watch', value: { userIds } })]);
    };
    const sync = (count: number, ...before: readonly number[]) => {
      const known = Array.from({ length: count }, () => ({}));
      return Uint8Array.from([...before, ...encoded({ case: 'sync', value: { known } })]);
    };
    const unknown = (count: number) => Uint8Array.from(Array(count).fill([0x7a, 0]).flat());
    const cases: readonly (readonly [string, Uint8Array, string | number])[] = [
      ['256 commands', emptyCommands(256), 256],
      ['257 commands', emptyCommands(257), 'tooManyCommands'],
      ['many commands', emptyCommands(131_072), 'tooManyCommands'],
      ['256 commands, and what nobody knows', Uint8Array.from([...odd, ...emptyCommands(256)]), 256],
      ['257 commands behind it', Uint8Array.from([...odd, ...emptyCommands(257)]), 'tooManyCommands'],
      ['8,192 messages in a command', sync(8_191), 1],
      ['8,193 messages in a command', sync(8_192), 'frameTooLarge'],
      ['8,192 messages behind what nobody knows', sync(8_190, ...odd), 1],
      ['8,193 messages behind what nobody knows', sync(8_191, ...odd), 'frameTooLarge'],
      ['65,536 fields in a command', watch(65_535), 1],
      ['65,537 fields in a command', watch(65_536), 'frameTooLarge'],
      ['65,536 fields that nobody knows', unknown(65_536), 0],
      ['65,537 fields that nobody knows', unknown(65_537), 'frameTooLarge'],
    ];
    for (const [name, bytes, expected] of cases)
      it(name, () => {
        if (typeof expected === 'number') assert.equal(decodeRequest(bytes).length, expected);
        else assert.throws(() => decodeRequest(bytes), { reason: expected });
      });
  });

  it('refuses what would be decoded without having been counted', () => {
    const commands = Array(131_000).fill([0x0a, 0]).flat();
    for (const bytes of [
      [0x7a, 0x80, 0x80, 0x80, 0x80, 0x10, ...commands],
      Array(1_000).fill([0x09, 0]).flat(),
    ])
      assert.equal(straight(Uint8Array.from(bytes)), undefined);
  });

  for (const depth of [98, 99, 100]) {
    it(`agrees with protobuf-es about groups nested ${depth} deep`, () => {
      const groups = [...Array(depth).fill(0x7b), ...Array(depth).fill(0x7c)];
      const bytes = Uint8Array.from([0x0a, 0x80 | (groups.length & 0x7f), groups.length >> 7, ...groups]);
      assert.deepEqual(straight(bytes)?.length, reference(bytes)?.length);
    });
  }
});
