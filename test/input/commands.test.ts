import assert from 'node:assert/strict';
import type { MessageBodySchema } from '../../gen/parley/chat/v1/entry_pb.ts';
import { after, before, describe, test } from 'node:test';
import { type MessageInitShape } from '@bufbuild/protobuf';
import type { FaultReason } from '../../services/core/fault.ts';
import { TestServer } from '../helpers/server.ts';
import { Metrics } from './support/metrics.ts';
import { Scene } from './support/scene.ts';
import { type Command, doors, signIn, type Visitor } from './support/visitor.ts';

/** A command that is no good: its name, the reason it is refused for, the field at fault. */
type Row = readonly [name: string, command: Command, reason: FaultReason, field?: string];

const long = 'x'.repeat(65);
const beyond = 2n ** 53n;
const text = (value: string) => ({ content: { case: 'text', value } }) as const;
const body = text('hi');
const to = (value: string) => ({ case: 'to', value }) as const;
const conv = (value: string) => ({ case: 'convId', value }) as const;
const clientId = 'c1';
const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, 'v']));

/** What is no id, whoever asks and whatever for. */
const badIds: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['too long', long],
  ['with a line feed', 'a\nb'],
  ['with a NUL', 'a\u0000'],
  ['with DEL', '\u007f'],
  ['with a C1 control', 'a\u0085'],
  ['with a line separator', 'a\u2028b'],
  ['not in normal form C', 'e\u0301'],
];

function withBadIds(what: string, field: string, command: (id: string) => Command): Row[] {
  return badIds.map(([how, id]) => [`${what} ${how}`, command(id), 'invalidId', field]);
}

const shapes: readonly Row[] = [
  ['send to nowhere', { case: 'send', value: { clientId, body } }, 'invalidField', 'send.conv_id'],
  ...withBadIds('send to an id', 'send.conv_id', (id) => ({
    case: 'send',
    value: { target: conv(id), clientId, body },
  })),
  ...withBadIds('send to a user', 'send.to', (id) => ({
    case: 'send',
    value: { target: to(id), clientId, body },
  })),
  ...withBadIds('send with a client id', 'send.client_id', (id) => ({
    case: 'send',
    value: { target: to('ann'), clientId: id, body },
  })),
  ['send nothing', { case: 'send', value: { target: to('ann'), clientId } }, 'emptyContent', 'send.body'],
  ['send an empty text', send(text('')), 'emptyContent', 'send.body'],
  [
    'send empty data',
    send({ content: { case: 'data', value: new Uint8Array(0) } }),
    'emptyContent',
    'send.body',
  ],
  ['send only attributes', send({ attributes: { a: 'b' } }), 'emptyContent', 'send.body'],
  ['send a long text', send(text('x'.repeat(20_001))), 'contentTooLarge', 'send.body.text'],
  [
    'send long data',
    send({ content: { case: 'data', value: new Uint8Array(60 * 1024 + 1) } }),
    'contentTooLarge',
    'send.body.data',
  ],
  ['send 64 KiB of umlauts', send(text('ü'.repeat(40_000))), 'contentTooLarge', 'send.body'],
  [
    'send a long content type',
    send({ ...body, contentType: 'x'.repeat(101) }),
    'invalidField',
    'send.body.content_type',
  ],
  [
    'send many attributes',
    send({ ...body, attributes: attributes(17) }),
    'invalidField',
    'send.body.attributes',
  ],
  [
    'send an attribute without a key',
    send({ ...body, attributes: { '': 'v' } }),
    'invalidField',
    'send.body.attributes',
  ],
  [
    'send a long attribute',
    send({ ...body, attributes: { k: 'v'.repeat(1_025) } }),
    'invalidField',
    'send.body.attributes',
  ],
  ['send a reply to 2^53', send({ ...body, replyToSeq: beyond }), 'seqOutOfRange', 'send.body.reply_to_seq'],
  ['skip nowhere', { case: 'skip', value: { clientId } }, 'invalidField', 'skip.conv_id'],
  ...withBadIds('skip at an id', 'skip.conv_id', (id) => ({
    case: 'skip',
    value: { target: conv(id), clientId },
  })),
  ...withBadIds('skip a client id', 'skip.client_id', (id) => ({
    case: 'skip',
    value: { target: to('ann'), clientId: id },
  })),
  [
    'acknowledge 257 places',
    ack(...Array.from({ length: 257 }, () => ({ convId: 'own', seq: 1n }))),
    'invalidField',
    'ack.items',
  ],
  ['acknowledge nothing of it', ack({ convId: 'own', seq: 0n }), 'seqOutOfRange', 'ack.items[0].seq'],
  ['acknowledge 2^53', ack({ convId: 'own', seq: beyond }), 'seqOutOfRange', 'ack.items[0].seq'],
  ['acknowledge 2^64 − 1', ack({ convId: 'own', seq: 2n ** 64n - 1n }), 'seqOutOfRange', 'ack.items[0].seq'],
  ...withBadIds('acknowledge at an id', 'ack.items[0].conv_id', (id) => ack({ convId: id, seq: 1n })),
  ['read 0', { case: 'read', value: { convId: 'own', seq: 0n } }, 'seqOutOfRange', 'read.seq'],
  ['read 2^53', { case: 'read', value: { convId: 'own', seq: beyond } }, 'seqOutOfRange', 'read.seq'],
  ...withBadIds('read an id', 'read.conv_id', (id) => ({ case: 'read', value: { convId: id, seq: 1n } })),
  ...withBadIds('type at an id', 'typing.conv_id', (id) => ({
    case: 'typing',
    value: { convId: id, active: true },
  })),
  [
    'sync with 5,001 conversations',
    { case: 'sync', value: { known: Array.from({ length: 5_001 }, () => ({ convId: 'own' })) } },
    'invalidField',
    'sync.known',
  ],
  ['sync with 51 entries each', { case: 'sync', value: { entries: 51 } }, 'invalidField', 'sync.entries'],
  ...withBadIds('sync with an id', 'sync.known[0].conv_id', (id) => ({
    case: 'sync',
    value: { known: [{ convId: id }] },
  })),
  ...(['headSeq', 'readSeq', 'deliveredSeq', 'peerReadSeq', 'peerDeliveredSeq'] as const).map((name): Row => {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const known = [{ convId: 'own' }, { convId: 'own', [name]: beyond }];
    return [
      `sync with ${field} 2^53`,
      { case: 'sync', value: { known } },
      'seqOutOfRange',
      `sync.known[1].${field}`,
    ];
  }),
  ['list 201', { case: 'list', value: { convId: 'own', limit: 201 } }, 'pageTooLarge', 'list.limit'],
  [
    'list 2^32 − 1',
    { case: 'list', value: { convId: 'own', limit: 4_294_967_295 } },
    'pageTooLarge',
    'list.limit',
  ],
  [
    'list from 2^53',
    { case: 'list', value: { convId: 'own', fromSeq: beyond } },
    'seqOutOfRange',
    'list.from_seq',
  ],
  ...withBadIds('list an id', 'list.conv_id', (id) => ({ case: 'list', value: { convId: id } })),
  ['get 0', { case: 'get', value: { convId: 'own', seq: 0n } }, 'seqOutOfRange', 'get.seq'],
  ['get 2^53', { case: 'get', value: { convId: 'own', seq: beyond } }, 'seqOutOfRange', 'get.seq'],
  ...withBadIds('get at an id', 'get.conv_id', (id) => ({ case: 'get', value: { convId: id, seq: 1n } })),
  ['recall 0', recall('own', 0n), 'seqOutOfRange', 'recall.seq'],
  ['recall 2^53', recall('own', beyond), 'seqOutOfRange', 'recall.seq'],
  ...withBadIds('recall at an id', 'recall.conv_id', (id) => recall(id, 1n)),
  ...withBadIds('recall with a client id', 'recall.client_id', (id) => recall('own', 2n, id)),
  [
    'watch 501 users',
    { case: 'watch', value: { userIds: Array.from({ length: 501 }, (_, index) => `u${index}`) } },
    'invalidField',
    'watch.user_ids',
  ],
  ...withBadIds('watch a user', 'watch.user_ids[1]', (id) => ({
    case: 'watch',
    value: { userIds: ['ann', id] },
  })),
  ['renew with nonsense', { case: 'auth', value: { token: 'a.b.c' } }, 'tokenInvalid'],
  ['renew with a long token', { case: 'auth', value: { token: 'x'.repeat(5_000) } }, 'tokenInvalid'],
  ['sign in again', hello('mallory', 1), 'alreadySignedIn'],
  ['sign in again as somebody else', hello('ann', 1), 'alreadySignedIn'],
  ['nothing at all', { case: undefined }, 'unknownCommand'],
];

/** What is asked of conversations that are not there, and of those that are none of mallory's business. */
const elsewhere: readonly Row[] = (
  [
    ['nowhere', 'conversationNotFound'],
    ['d_nobody', 'conversationNotFound'],
    ['closed', 'notMember'],
  ] as const
).flatMap(([id, reason]): Row[] => [
  [`send to ${id}`, { case: 'send', value: { target: conv(id), clientId, body } }, reason, 'send.conv_id'],
  [`acknowledge ${id}`, ack({ convId: id, seq: 1n }), reason],
  [`read ${id}`, { case: 'read', value: { convId: id, seq: 1n } }, reason],
  [`list ${id}`, { case: 'list', value: { convId: id } }, reason],
  [`get from ${id}`, { case: 'get', value: { convId: id, seq: 1n } }, reason],
  [`recall from ${id}`, recall(id, 1n), reason],
]);

/** What is asked of a group that mallory is in; it has three entries, of which the last one is hers. */
const own: readonly Row[] = [
  ['acknowledge what is not there yet', ack({ convId: 'own', seq: 4n }), 'beyondHead', 'ack.seq'],
  ['acknowledge 2^53 − 1', ack({ convId: 'own', seq: beyond - 1n }), 'beyondHead', 'ack.seq'],
  ['acknowledge an unknown entry', ack({ msgId: 77n }), 'entryNotFound'],
  ['acknowledge the 64-bit entry', ack({ msgId: 2n ** 64n - 1n }), 'entryNotFound'],
  [
    'acknowledge well and badly',
    ack({ convId: 'own', seq: 3n }, { convId: 'own', seq: 9n }),
    'beyondHead',
    'ack.seq',
  ],
  [
    'read what is not there yet',
    { case: 'read', value: { convId: 'own', seq: 4n } },
    'beyondHead',
    'read.seq',
  ],
  ['get what is not there yet', { case: 'get', value: { convId: 'own', seq: 4n } }, 'entryNotFound'],
  ['get an unknown entry', { case: 'get', value: { msgId: 77n } }, 'entryNotFound'],
  ['get the 64-bit entry', { case: 'get', value: { msgId: 2n ** 64n - 1n } }, 'entryNotFound'],
  ['recall what is not there', recall('own', 4n), 'entryNotFound', 'recall.seq'],
  ['recall the beginning', recall('own', 1n), 'notRecallable'],
  ['recall what somebody else said', recall('own', 2n), 'notAllowed'],
];

const rows = [...shapes, ...elsewhere, ...own];

function send(content: MessageInitShape<typeof MessageBodySchema>): Command {
  return { case: 'send', value: { target: to('ann'), clientId, body: content } };
}

function ack(...items: readonly { convId?: string; seq?: bigint; msgId?: bigint }[]): Command {
  return { case: 'ack', value: { items: [...items] } };
}

function recall(convId: string, seq: bigint, id = clientId): Command {
  return { case: 'recall', value: { convId, seq, clientId: id } };
}

function hello(userId: string, protocolVersion: number): Command {
  return { case: 'hello', value: { userId, deviceId: 'other', protocolVersion } };
}

describe('commands that are no good', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let visitor: Visitor;

  before(async () => {
    server = stack.use(await TestServer.start());
    scene = stack.use(await Scene.set(server.ports));
  });
  after(() => stack.disposeAsync());

  for (const door of doors)
    describe(`by ${door}`, () => {
      before(async () => {
        visitor = await signIn(door, server.ports, 'mallory');
      });
      after(() => visitor[Symbol.asyncDispose]());

      for (const [name, command, reason, field = ''] of rows)
        test(name, async () => {
          const refusal = await visitor.session.refusal(command);
          assert.deepEqual([refusal.reason, refusal.field], [reason, field], refusal.message);
          assert.ok(refusal.message.length > 5);
        });

      test('cost the session nothing else', async () => {
        await visitor.session.asked({ case: 'ping', value: {} }, 'pong');
        await scene.assertUnharmed();
      });
    });

  test('are counted by their reasons', async () => {
    const counted = (await Metrics.read(server.ports.metrics)).by('chat_commands_refused_total');
    for (const reason of new Set(rows.map(([, , each]) => each))) {
      const refused = doors.length * rows.filter(([, , each]) => each === reason).length;
      assert.equal(counted.get(reason), refused, reason);
    }
  });
});
