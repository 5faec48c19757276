import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { type FaultReason, faults } from '../../services/core/fault.ts';
import { TestServer } from '../helpers/server.ts';
import { Metrics } from './support/metrics.ts';
import { Scene } from './support/scene.ts';
import { type Door, signIn } from './support/visitor.ts';

/** A frame that no session survives: its name, what is sent, the reason that is told, and the close code. */
type Row = readonly [name: string, frame: Uint8Array | string, reason: FaultReason, code?: number];

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const request = (init: MessageInitShape<typeof ConnectRequestSchema>) =>
  toBinary(ConnectRequestSchema, create(ConnectRequestSchema, init));
const ping = { command: { case: 'ping' as const, value: {} } };
const send = (text: string) => {
  const body = { content: { case: 'text' as const, value: text } };
  const value = { target: { case: 'to' as const, value: 'bob' }, clientId: 'c', body };
  return { id: 9, command: { case: 'send' as const, value } };
};
const watch = request({ commands: [{ id: 9, command: { case: 'watch', value: { userIds: ['ann'] } } }] });
/** One command of so many bytes. */
const sized = (bytes: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([0x0a]), varint(bytes), content]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** Bytes, as gRPC and the binary dialect take them. */
const binary: readonly Row[] = [
  ['noise', hex('ff fe fd fc fb fa f9 f8 f7 f6 f5'), 'malformedFrame'],
  ['zeros', new Uint8Array(64), 'malformedFrame'],
  ['text', Buffer.from('{"commands":[]}'), 'malformedFrame'],
  ...Array.from({ length: watch.length - 1 }, (_, cut): Row => {
    return [`a frame cut after ${cut + 1} bytes`, watch.subarray(0, cut + 1), 'malformedFrame'];
  }),
  ['a command longer than its frame', sized(1_000_000, Buffer.from('x')), 'malformedFrame'],
  ['a command of 4 GiB', hex('0a ff ff ff ff 0f 01'), 'malformedFrame'],
  ['a length of eleven bytes', hex('0a ff ff ff ff ff ff ff ff ff ff 01 00'), 'malformedFrame'],
  ['a command that is a number', hex('08 07'), 'malformedFrame'],
  ['a command of eight bytes fixed', hex('09 0102030405060708'), 'malformedFrame'],
  ['an id that is a text', hex('0a 03 0a 01 41'), 'malformedFrame'],
  ['a send that is a number', hex('0a 02 20 01'), 'malformedFrame'],
  ['a field of number 0', hex('02 01 41'), 'malformedFrame'],
  ['a wire type that there is not', hex('0f'), 'malformedFrame'],
  ['a group without an end', hex('0b'), 'malformedFrame'],
  ['the end of no group', hex('0c'), 'malformedFrame'],
  [
    'groups 5,000 deep',
    Buffer.concat([Buffer.alloc(5_000, 0x7b), Buffer.alloc(5_000, 0x7c)]),
    'malformedFrame',
  ],
  ['half a surrogate pair in an id', hex('0a 0a 08 09 52 06 0a 04 61 ed a0 80'), 'malformedFrame'],
  ['an overlong slash in an id', hex('0a 09 08 09 52 05 0a 03 61 c0 af'), 'malformedFrame'],
  ['257 commands', request({ commands: Array.from({ length: 257 }, () => ping) }), 'tooManyCommands'],
  ['100,000 commands', Buffer.alloc(200_000, hex('0a 00')), 'tooManyCommands'],
  [
    '100,000 commands behind what nobody knows',
    Buffer.concat([hex('7a 00'), Buffer.alloc(200_000, hex('0a 00'))]),
    'tooManyCommands',
  ],
];

const millionCharacters = request({ commands: [send('x'.repeat(1_000_000))] });
const justTooLarge = sized(256 * 1024, Buffer.alloc(256 * 1024));

const rowsOf: Readonly<Record<Door, readonly Row[]>> = {
  grpc: [
    ...binary,
    ['a million characters', millionCharacters, 'frameTooLarge'],
    ['more than 256 KiB', justTooLarge, 'frameTooLarge'],
  ],
  proto: [
    ...binary,
    ['text in the binary dialect', '{"commands":[]}', 'unsupportedFrame'],
    ['a million characters', millionCharacters, 'frameTooLarge', 1009],
    ['more than 256 KiB', justTooLarge, 'frameTooLarge', 1009],
  ],
  json: [
    ['bytes in the text dialect', watch, 'unsupportedFrame'],
    ['nothing', '', 'malformedFrame'],
    ['no JSON', '{"commands":[', 'malformedFrame'],
    ['null', 'null', 'malformedFrame'],
    ['a number', '7', 'malformedFrame'],
    ['an array', '[]', 'malformedFrame'],
    ['commands that are an object', '{"commands":{}}', 'malformedFrame'],
    ['a command that is null', '{"commands":[null]}', 'malformedFrame'],
    ['an id that is a text', '{"commands":[{"id":"x","ping":{}}]}', 'malformedFrame'],
    ['an id of 2^32', '{"commands":[{"id":4294967296,"ping":{}}]}', 'malformedFrame'],
    ['an id with a fraction', '{"commands":[{"id":1.5,"ping":{}}]}', 'malformedFrame'],
    ['an id below 0', '{"commands":[{"id":-1,"ping":{}}]}', 'malformedFrame'],
    ['two commands in one', '{"commands":[{"ping":{},"watch":{}}]}', 'malformedFrame'],
    [
      'a seq of 2^64',
      '{"commands":[{"read":{"convId":"a","seq":"18446744073709551616"}}]}',
      'malformedFrame',
    ],
    [
      'a seq above 2^53 as a number',
      '{"commands":[{"read":{"convId":"a","seq":9007199254740993}}]}',
      'invalidField',
    ],
    ['a msg_id as a number', '{"commands":[{"get":{"msgId":251065776872620035}}]}', 'invalidField'],
    ['a seq of 1e400', '{"commands":[{"read":{"convId":"a","seq":1e400}}]}', 'invalidField'],
    [
      'a text that is a number',
      '{"commands":[{"send":{"to":"a","clientId":"c","body":{"text":7}}}]}',
      'malformedFrame',
    ],
    [
      'data that is no base64',
      '{"commands":[{"send":{"to":"a","clientId":"c","body":{"data":"ä"}}}]}',
      'malformedFrame',
    ],
    [
      'half a surrogate pair in a text',
      '{"commands":[{"send":{"to":"a","clientId":"c","body":{"text":"\\ud800"}}}]}',
      'invalidField',
    ],
    ['half a surrogate pair in an id', '{"commands":[{"list":{"convId":"\\udc00"}}]}', 'invalidField'],
    ['half a surrogate pair in a name', '{"commands":[{"\\ud800":{}}]}', 'invalidField'],
    ['arrays 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000), 'invalidField'],
    ['objects 40,000 deep', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000), 'invalidField'],
    ['257 commands', `{"commands":[${Array(257).fill('{}').join()}]}`, 'tooManyCommands'],
    [
      '80,000 conversations to sync',
      `{"commands":[{"sync":{"known":[${Array(80_000).fill('{}').join()}]}}]}`,
      'frameTooLarge',
    ],
    ['125,000 numbers', `{"x":[${Array(125_000).fill('1').join()}]}`, 'frameTooLarge'],
    ['a million characters', JSON.stringify({ x: 'x'.repeat(1_000_000) }), 'frameTooLarge', 1009],
  ],
};

/** Frames that look odd and mean no harm: the session goes on. */
const harmless: Readonly<Record<Door, readonly (readonly [string, Uint8Array | string])[]>> = {
  grpc: [],
  proto: [],
  json: [
    ['no commands', '{}'],
    ['commands that are null', '{"commands":null}'],
    ['an unknown field', '{"future":true,"commands":[]}'],
    [
      'names of the language',
      '{"__proto__":{"commands":[{}]},"constructor":{"prototype":{"id":1}},"toString":1}',
    ],
    ['the same name twice', '{"commands":[{"id":1,"dance":{}}],"commands":[]}'],
    ['a command of the language', '{"commands":[{"id":0,"__proto__":{"ping":{}},"constructor":{}}]}'],
  ],
};
for (const door of ['grpc', 'proto'] as const)
  Object.assign(harmless, {
    [door]: [
      ['nothing', new Uint8Array(0)],
      ['an unknown field', hex('fa 07 03 61 62 63')],
      ['a group', hex('7b 7c')],
    ],
  });

describe('frames that are none', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;

  before(async () => {
    server = stack.use(await TestServer.start());
    scene = stack.use(await Scene.set(server.ports));
  });
  after(() => stack.disposeAsync());

  for (const door of ['grpc', 'proto', 'json'] as const)
    describe(`by ${door}`, () => {
      for (const [name, frame, reason, code] of rowsOf[door])
        test(`${name}: told, and closed`, async () => {
          await using visitor = await signIn(door, server.ports, 'mallory');
          visitor.tell(frame);
          const closed = await visitor.session.end();
          assert.deepEqual(
            [closed.code, closed.reason.split(':')[0]],
            [code ?? faults[reason].closeCode, reason],
          );
          // gRPC has no room for an event once a message is too large: there the status says it alone.
          if (door === 'grpc' && reason === 'frameTooLarge') return;
          const [told] = visitor.session.of('error');
          assert.equal(told?.reason, reason);
          assert.ok(told.message.length > 5);
        });

      test('what is odd but right is taken', async () => {
        await using visitor = await signIn(door, server.ports, 'mallory');
        for (const [, frame] of harmless[door]) visitor.tell(frame);
        await visitor.session.asked({ case: 'ping', value: {} }, 'pong');
        assert.equal(({} as { commands?: unknown }).commands, undefined);
      });

      test('nobody else is the worse for it', () => scene.assertUnharmed());
    });

  test('each is counted', async () => {
    const metrics = await Metrics.read(server.ports.metrics);
    const closed = metrics.by('chat_sessions_closed_total');
    const nodes = [...rowsOf.grpc, ...rowsOf.proto].filter(([, , reason]) => reason === 'malformedFrame');
    assert.equal(closed.get('malformedFrame'), nodes.length);
    assert.equal(closed.get('tooManyCommands'), 6);
    assert.equal(metrics.of('chat_grpc_refusals_total{reason="frameTooLarge"}'), 2);
    const malformed = metrics.by('chat_malformed_frames_total');
    assert.deepEqual([malformed.get('proto'), malformed.get('json')], [3, rowsOf.json.length]);
  });
});
