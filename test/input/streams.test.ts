import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { openUnread } from '../../services/grpc/unread-stream.ts';
import { TestServer } from '../helpers/server.ts';
import { until } from '../e2e/support/until.ts';
import { Metrics } from './support/metrics.ts';
import { Rest } from './support/rest.ts';
import { Scene } from './support/scene.ts';
import { visitBySocket } from './support/socket-visitor.ts';
import { type Command, doors, helloOf, signIn, visit, type Visitor } from './support/visitor.ts';

const long = 'x'.repeat(20_000);
const page: Command = { case: 'list', value: { convId: 'long', limit: 200 } };

function request(...commands: readonly Command[]): Uint8Array {
  const numbered = commands.map((command, index) => ({ id: index + 1, command }));
  return toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: numbered }));
}

/** As gRPC has it: a flag and a length before each message. */
function prefixed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

describe('streams', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;

  before(async () => {
    server = stack.use(
      await TestServer.start({ PARLEY_LOBBY: 'false', PARLEY_WS_MAX_UNSENT_BYTES: String(4 * 1024 * 1024) }),
    );
    scene = stack.use(await Scene.set(server.ports));
    const rest = new Rest(server.ports.http).as('reader');
    for (let count = 0; count < 12; count += 1) {
      const convId = count === 0 ? 'long' : `long ${count}`;
      await rest.ok('POST', '/api/v1/groups', { group_id: convId, name: 'Long' });
      const sends = Array.from({ length: 40 }, (_, index) => ({
        conv_id: convId,
        content: long,
        client_id: `m${index}`,
      }));
      await rest.ok('POST', '/api/v1/messages/send-batch', { sends });
    }
  });
  after(() => stack.disposeAsync());

  const read = () => Metrics.read(server.ports.metrics);

  test('a socket that asks and never reads is cut off; what it was sent is bounded, and others go on', async () => {
    for (const door of ['proto', 'json'] as const) {
      const before = (await read()).of('chat_bridge_slow_consumers_total');
      await using visitor = await visitBySocket(server.ports.ws, door);
      await visitor.session.asked(helloOf('reader'), 'welcome');
      visitor.socket.pause();
      const isCut = async () => (await read()).of('chat_bridge_slow_consumers_total') > before;
      await until(
        async () => {
          for (let count = 0; count < 8; count += 1) visitor.session.send(page);
          return await isCut();
        },
        () => 'it is served still',
      );
      await scene.assertUnharmed();
    }
  });

  test('a gRPC stream that asks and never reads is ended', async () => {
    using unread = openUnread(server.ports.grpc, prefixed(request(helloOf('reader'))));
    const { stream } = unread;
    await until(
      async () => {
        for (let count = 0; count < 8; count += 1) stream.write(prefixed(request(page)));
        return (await read()).of('chat_grpc_refusals_total{reason="slowConsumer"}') > 0;
      },
      () => 'it is served still',
    );
    await scene.assertUnharmed();
    await until(
      async () => (await read()).of('chat_send_queue_bytes{hop="grpc"}') === 0,
      () => 'its bytes are there still',
    );
  });

  for (const door of doors)
    test(`by ${door}: long entries come in pages that a client can take`, async () => {
      await using visitor = await signIn(door, server.ports, 'reader');
      const { session } = visitor;
      const sizes: number[] = [];
      const take = session.take.bind(session);
      session.take = (frame) => {
        sizes.push(frame.byteLength);
        take(frame);
      };
      const { entries, more } = await session.asked(page, 'entries');
      assert.ok(more && entries.length > 10 && entries.length < 41, `${entries.length} entries`);
      session.send({ case: 'sync', value: { entries: 50 } });
      await session.when(() => session.of('changes').some(({ done }) => done));
      const states = session.of('changes').flatMap(({ conversations }) => conversations);
      assert.equal(states.length, 12);
      for (const { entries: newest, headSeq, gapFromSeq } of states) {
        assert.equal(newest.at(-1)?.seq, headSeq);
        // Either all that there is came along, or it is said from where it did not.
        assert.ok(gapFromSeq === 1n && (newest[0]?.seq ?? 0n) > 1n);
      }
      assert.ok(Math.max(...sizes) < 1_500_000, `a frame of ${Math.max(...sizes)} bytes`);
      assert.equal(session.closed, undefined);
    });

  test('streams opened and abandoned, with and without a hello, leave nothing behind', async () => {
    const active = async () => {
      const metrics = await read();
      return ['grpc', 'ws-proto', 'ws-json'].map((door) =>
        metrics.of(`chat_connections_active{transport="${door}"}`),
      );
    };
    const before = await active();
    for (const door of doors) {
      const visitors: Visitor[] = await Promise.all(
        Array.from({ length: 60 }, () => visit(door, server.ports)),
      );
      for (const [index, { session }] of visitors.entries()) {
        if (index % 3 === 0) session.send(helloOf(`passer-by ${index % 40}`));
        if (index % 3 === 1) session.send(helloOf(`passer-by ${index}`), { case: 'sync', value: {} }, page);
      }
      await Promise.all(visitors.map((visitor) => visitor[Symbol.asyncDispose]()));
    }
    await until(
      async () => JSON.stringify(await active()) === JSON.stringify(before),
      () => 'a session is there still',
    );
    await scene.assertUnharmed();
  });

  test('calls that nobody waits for leave nothing behind', async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.ports.grpc}`);
    session.on('error', () => {});
    for (let count = 0; count < 200; count += 1) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/parley.chat.v1.ConversationService/ListConversations',
        'content-type': 'application/grpc',
        'parley-user': 'reader',
        te: 'trailers',
      });
      stream.on('error', () => {});
      stream.end(prefixed(new Uint8Array(0)));
      stream.close(8);
    }
    session.close();
    await scene.assertUnharmed();
    assert.equal((await read()).of('chat_commands_refused_total{reason="internal"}'), 0);
  });
});
