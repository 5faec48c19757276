import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { fromBinary } from '@bufbuild/protobuf';
import { ErrorSchema } from '../../gen/parley/chat/v1/error_pb.ts';
import { type FaultReason, faults } from '../../services/core/fault.ts';
import { badTokens, claims, jwt } from './support/forged.ts';
import { Metrics } from './support/metrics.ts';
import { PlainVisitor } from './support/plain-visitor.ts';
import { ProductionServer } from './support/production.ts';
import { Rest } from './support/rest.ts';
import { type Command, doors, helloOf, visit, type Visitor } from './support/visitor.ts';

const hello = (changed: object) => ({
  case: 'hello' as const,
  value: { ...helloOf('').value, ...changed },
});

/** First commands that end the session, and the reason. */
const refusedFirsts: readonly (readonly [string, Command, FaultReason])[] = [
  ['a ping before hello', { case: 'ping', value: {} }, 'helloExpected'],
  ['a send before hello', { case: 'send', value: { target: { case: 'to', value: 'ann' } } }, 'helloExpected'],
  ['an ack before hello', { case: 'ack', value: {} }, 'helloExpected'],
  ['nothing before hello', { case: undefined }, 'helloExpected'],
  ['a hello of nobody', hello({}), 'tokenMissing'],
  ['a name without a token', hello({ userId: 'ann' }), 'developmentOnly'],
  ['no version', hello({ protocolVersion: 0 }), 'unsupportedProtocol'],
  ['version 2', hello({ protocolVersion: 2 }), 'unsupportedProtocol'],
  ['no device', hello({ deviceId: '', token: jwt(claims()) }), 'invalidId'],
  ['a device with a line feed', hello({ deviceId: 'a\nb', token: jwt(claims()) }), 'invalidId'],
  ['a long device', hello({ deviceId: 'x'.repeat(65), token: jwt(claims()) }), 'invalidId'],
  ['somebody else’s name beside a token', hello({ userId: 'bob', token: jwt(claims()) }), 'tokenInvalid'],
  ['a service’s token', hello({ token: jwt(claims({ svc: true, scope: 'act send' })) }), 'tokenInvalid'],
  ...badTokens.map(([name, token, reason]) => [name, hello({ token }), reason] as const),
];

describe('signing in', () => {
  const stack = new AsyncDisposableStack();
  let server: ProductionServer;
  let grpc: Client;
  let sessions = 0;

  before(async () => {
    server = stack.use(
      await ProductionServer.start({
        PARLEY_HELLO_TIMEOUT_MS: '700',
        PARLEY_ALLOWED_ORIGINS: 'https://chat.example.org',
      }),
    );
    grpc = new Client(`127.0.0.1:${server.ports.grpc}`, credentials.createInsecure());
    stack.defer(() => grpc.close());
  });
  after(() => stack.disposeAsync());

  for (const door of doors)
    describe(`by ${door}`, () => {
      for (const [name, first, reason] of refusedFirsts)
        test(`${name}: ${reason}`, async () => {
          await using visitor = await visit(door, server.ports);
          const [id] = visitor.session.send(first);
          // What stands behind it is not carried out, and not answered.
          visitor.session.send({ case: 'ping', value: {} });
          const closed = await visitor.session.end();
          sessions += 1;
          assert.deepEqual([closed.code, closed.reason.split(':')[0]], [faults[reason].closeCode, reason]);
          assert.deepEqual(visitor.session.told(), ['error', 'kicked']);
          const answer = visitor.session.events[0];
          assert.equal(answer?.replyTo, id);
          assert.ok(answer?.event.case === 'error' && answer.event.value.reason === reason);
        });

      test('a hello that never comes: helloTimeout, and come back', async () => {
        await using visitor = await visit(door, server.ports);
        if (door === 'grpc') visitor.tell(new Uint8Array(0));
        assert.deepEqual(await visitor.session.end(), { code: 4508, reason: 'helloTimeout' });
        assert.equal(visitor.session.of('kicked')[0]?.reconnect, true);
      });

      test('more than 256 commands before welcome: told, and closed', async () => {
        await using visitor = await visit(door, server.ports);
        const { token } = await server.tokens.issueUser('ann', 600);
        visitor.session.send(hello({ token }), ...pings(200));
        visitor.session.send(...pings(200));
        assert.equal((await visitor.session.end()).reason.split(':')[0], 'tooManyCommands');
      });

      test('a token may be renewed by its own user alone', async () => {
        await using visitor = await visit(door, server.ports);
        await visitor.session.asked(hello({ token: await server.tokenOf('ann') }), 'welcome');
        const auth = (token: string) => ({ case: 'auth', value: { token } }) as const;
        for (const [token, reason] of [
          [await server.tokenOf('bob'), 'tokenInvalid'],
          ['', 'tokenMissing'],
          [jwt(claims({ svc: true })), 'tokenInvalid'],
          ...badTokens.map(([, bad, why]) => [bad, why] as const),
        ] as const)
          assert.equal((await visitor.session.refusal(auth(token))).reason, reason, token.slice(0, 40));
        await visitor.session.asked(auth(await server.tokenOf('ann')), 'pong');
      });

      test('a newer session of a device ends the older one, over and over', async () => {
        const token = await server.tokenOf('ann');
        let last: Visitor | undefined;
        for (let round = 0; round < 20; round += 1) {
          const next = await visit(door, server.ports);
          await next.session.asked(hello({ token, deviceId: `tab ${door}` }), 'welcome');
          if (last !== undefined)
            assert.deepEqual(await last.session.end(), { code: 4410, reason: 'superseded' });
          await last?.[Symbol.asyncDispose]();
          last = next;
        }
        await last?.session.asked({ case: 'ping', value: {} }, 'pong');
        await last?.[Symbol.asyncDispose]();
      });
    });

  test('a token that ends ends its session', async () => {
    await using visitor = await visit('proto', server.ports);
    // Just long enough for hello; clocks may differ by five seconds.
    const token = jwt(claims({ exp: Math.floor(Date.now() / 1_000) + 1 }));
    await visitor.session.asked(hello({ token }), 'welcome');
    assert.deepEqual(await visitor.session.end(), { code: 4401, reason: 'tokenExpired' });
  });

  test('a user has at most 50 sessions', async () => {
    await using all = new AsyncDisposableStack();
    const token = await server.tokenOf('many');
    const open = async () => {
      const visitor = all.use(await visit('proto', server.ports));
      visitor.session.send(hello({ token, deviceId: helloOf('').value.deviceId }));
      return visitor;
    };
    for (let count = 0; count < 50; count += 1) {
      const { session } = await open();
      await session.when(() => session.of('welcome').length === 1);
    }
    const { session } = await open();
    assert.deepEqual(await session.end(), { code: 4529, reason: 'tooManyConnections' });
  });

  for (const [name, token, reason] of [
    ...badTokens,
    ['a user’s token with another name', jwt(claims()), 'scopeMissing'],
    ['a service that may not act for others', jwt(claims({ svc: true, scope: 'send' })), 'scopeMissing'],
  ] as const)
    test(`${name}: calls are refused by all doors (${reason})`, async () => {
      const headers = { authorization: `Bearer ${token}`, 'parley-user': 'bob' };
      const rest = await new Rest(server.ports.http, headers).refused('GET', '/api/v1/conversations');
      const rpc = '/parley.chat.v1.ConversationService/ListConversations';
      const call = await new Rest(server.ports.http, headers).call('POST', rpc, {});
      const [detail] = call.body.details as { debug?: { reason: string } }[];
      const failure = await unary(rpc, headers);
      assert.deepEqual([rest.reason, detail?.debug?.reason, failure], [reason, reason, reason]);
      assert.equal(rest.code, reason === 'scopeMissing' ? 403 : 401);
    });

  test('calls without a token, or by name alone', async () => {
    const rest = new Rest(server.ports.http);
    assert.equal((await rest.refused('GET', '/api/v1/conversations')).reason, 'tokenMissing');
    assert.equal((await rest.refused('GET', '/api/v1/conversations?user_id=ann')).reason, 'developmentOnly');
    assert.equal((await rest.as('ann').refused('GET', '/api/v1/conversations')).reason, 'developmentOnly');
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer ', 'bearer', jwt(claims())])
      assert.equal(
        (await rest.with({ authorization }).refused('GET', '/api/v1/conversations')).reason,
        'tokenMissing',
        authorization.slice(0, 20),
      );
  });

  test('a plain socket needs a token, too', async () => {
    for (const [query, reason] of [
      ['?user_id=ann', 'developmentOnly'],
      ['?token=forged', 'tokenInvalid'],
    ] as const) {
      await using visitor = await PlainVisitor.open(server.ports.ws, query);
      assert.equal((await visitor.end()).code, faults[reason].closeCode);
      assert.equal(visitor.frames[0]?.reason, reason);
    }
    await using visitor = await PlainVisitor.open(server.ports.ws, `?token=${await server.tokenOf('ann')}`);
    // Outside development nobody makes a group by naming it.
    assert.equal(
      (await visitor.ask({ type: 'group', group_id: 1, content: 'x' })).reason,
      'conversationNotFound',
    );
  });

  test('pages of other origins get no socket and no answer', async () => {
    for (const [origin, taken] of [
      ['https://chat.example.org', true],
      ['https://chat.example.org.evil.example', false],
      ['http://chat.example.org', false],
      ['https://chat.example.org:8443', false],
      ['null', false],
      ['', false],
      ['nonsense', false],
    ] as const) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.ports.ws}/`, 'parley.v1.proto', {
        headers: { origin },
      });
      const outcome = await Promise.race([
        once(socket, 'open').then(() => true),
        once(socket, 'unexpected-response').then(
          ([, response]) => (response as { statusCode: number }).statusCode,
        ),
      ]);
      assert.equal(outcome, taken ? true : 403, origin);
      socket.on('error', () => {});
      socket.terminate();
      const answer = await new Rest(server.ports.http, { origin }).call('GET', '/api/v1/conversations');
      assert.equal(answer.body.reason, taken ? 'tokenMissing' : 'originForbidden', origin);
    }
  });

  test('a token may come by subprotocol, and is looked at there as well', async () => {
    const open = async (token: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.ports.ws}/`, [
        'parley.v1.json',
        `bearer.${token}`,
      ]);
      const closed = once(socket, 'close');
      const [first] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      await closed;
      return first.toString();
    };
    assert.match(await open(await server.tokenOf('ann')), /"welcome"/);
    assert.match(await open('a.b.c'), /"tokenInvalid"/);
  });

  test('each is counted', async () => {
    const closed = (await Metrics.read(server.ports.metrics)).by('chat_sessions_closed_total');
    const told = ['helloExpected', 'tokenMissing', 'developmentOnly', 'unsupportedProtocol', 'invalidId'];
    for (const reason of [
      ...told,
      'tokenInvalid',
      'tokenExpired',
      'helloTimeout',
      'superseded',
      'tooManyCommands',
    ])
      assert.ok((closed.get(reason) ?? 0) >= 3, reason);
    assert.ok([...closed.values()].reduce((sum, count) => sum + count, 0) >= sessions);
    assert.equal(closed.get('internal') ?? 0, 0);
  });

  /** The reason for which a unary call by gRPC is refused. */
  function unary(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes);
    return new Promise((resolve) => {
      grpc.makeUnaryRequest(
        path,
        asBuffer,
        (bytes) => bytes,
        new Uint8Array(0),
        metadata,
        (failure) => {
          const [detail] = (failure as ServiceError | null)?.metadata.get('parley-error-bin') ?? [];
          resolve(Buffer.isBuffer(detail) ? fromBinary(ErrorSchema, detail).reason : 'answered');
        },
      );
    });
  }
});

function pings(count: number): Command[] {
  return Array.from({ length: count }, () => ({ case: 'ping', value: {} }));
}
