import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '../../gen/parley/chat/v1/session_pb.ts';
import { TestServer } from '../helpers/server.ts';
import { until } from '../e2e/support/until.ts';
import { Metrics } from './support/metrics.ts';
import { Rest } from './support/rest.ts';
import { say, Scene } from './support/scene.ts';
import { type Command, type doors, signIn, visit, helloOf, type Visitor } from './support/visitor.ts';

/** So many commands in one frame, numbered from 1. */
function frame(commands: readonly Command[]): Uint8Array {
  const numbered = commands.map((command, index) => ({ id: index + 1, command }));
  return toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: numbered }));
}

let drawn = 0;
const names = (count: number) => Array.from({ length: count }, () => `n${(drawn += 1)}`);
const each = (count: number, command: () => Command) => frame(Array.from({ length: count }, command));

/** What a session may be flooded with; each frame is one of many. */
const floods: readonly (readonly [string, () => Uint8Array])[] = [
  ['pings', () => each(256, () => ({ case: 'ping', value: {} }))],
  ['pings that want no answer', () => Buffer.alloc(1_024, Buffer.from([0x0a, 2, 0x72, 0]))],
  ['frames without anything', () => new Uint8Array(0)],
  ['frames with what nobody knows', () => Buffer.alloc(60_000, Buffer.from([0x7a, 0]))],
  ['typing', () => each(256, () => ({ case: 'typing', value: { convId: 'own', active: true } }))],
  ['watches of others and others', () => frame([{ case: 'watch', value: { userIds: names(500) } }])],
  [
    'syncs of 5,000 conversations',
    () =>
      frame([{ case: 'sync', value: { known: names(5_000).map((convId) => ({ convId, headSeq: 1n })) } }]),
  ],
  [
    'sends to nobody',
    () =>
      each(256, () => {
        const [convId = ''] = names(1);
        const body = { content: { case: 'text', value: 'x' } } as const;
        return { case: 'send', value: { target: { case: 'convId', value: convId }, clientId: convId, body } };
      }),
  ],
  [
    'sends of nothing',
    () => each(256, () => ({ case: 'send', value: { target: { case: 'to', value: 'ann' }, clientId: 'c' } })),
  ],
  ['pages of nothing', () => each(256, () => ({ case: 'list', value: { convId: names(1)[0] ?? '' } }))],
  [
    'entries that there are not',
    () => each(256, () => ({ case: 'get', value: { msgId: BigInt((drawn += 1)) } })),
  ],
  [
    'acks of what they have',
    () =>
      each(100, () => ({
        case: 'ack',
        value: { items: Array.from({ length: 200 }, () => ({ convId: 'own', seq: 1n })) },
      })),
  ],
  [
    'acks of what there is not',
    () => frame([{ case: 'ack', value: { items: names(256).map((convId) => ({ convId, seq: 1n })) } }]),
  ],
  ['new tokens', () => each(256, () => ({ case: 'auth', value: { token: `a.b.${names(1)[0]}` } }))],
  ['hellos', () => each(256, () => helloOf('mallory'))],
  ['commands that there are not', () => Buffer.alloc(1_024, Buffer.from([0x0a, 2, 8, 7]))],
];

const burst = 400;

describe('floods', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let scene: Scene;
  let rest: Rest;

  before(async () => {
    server = stack.use(
      await TestServer.start({
        PARLEY_LOBBY: 'false',
        PARLEY_USER_COMMAND_RATE: '100',
        PARLEY_USER_COMMAND_BURST: String(burst),
      }),
    );
    scene = stack.use(await Scene.set(server.ports));
    rest = new Rest(server.ports.http);
    await rest.as('ann').ok('POST', '/api/v1/groups', { group_id: 'open', name: 'Open' });
  });
  after(() => stack.disposeAsync());

  let users = 0;
  async function stranger(door: (typeof doors)[number]): Promise<Visitor & { readonly name: string }> {
    users += 1;
    const name = `flooder ${users}`;
    return { ...(await signIn(door, server.ports, name)), name };
  }

  for (const [name, make] of floods)
    test(`${name}: refused, then cut off, and nobody else waits`, async () => {
      const door = users % 2 === 0 ? 'grpc' : 'proto';
      await using flooder = await stranger(door);
      const frames = Array.from({ length: 4 }, make);
      for (let sent = 0; flooder.session.closed === undefined && sent < 20_000; sent += 1) {
        flooder.tell(frames[sent % frames.length] as Uint8Array);
        await turn();
      }
      assert.deepEqual(await flooder.session.end(), { code: 4529, reason: flooder.session.closed?.reason });
      // Sends that are refused keep their place, of which there are only so many.
      assert.ok(['rateLimited', 'overloaded'].includes(flooder.session.closed?.reason ?? ''));
      assert.equal(flooder.session.of('kicked')[0]?.reconnect, true);
      await scene.assertUnharmed();
    });

  test('what is refused says how long to wait, and after that it passes', async () => {
    await using hasty = await stranger('proto');
    const ids = hasty.session.send(
      ...Array.from({ length: 256 }, (): Command => ({ case: 'ping', value: {} })),
    );
    const more = hasty.session.send(
      ...Array.from({ length: 256 }, (): Command => ({ case: 'ping', value: {} })),
    );
    const answers = [];
    for (const id of [...ids, ...more]) answers.push((await hasty.session.answer(id)).event);
    const refusals = answers.flatMap((event) => (event.case === 'error' ? [event.value] : []));
    assert.ok(refusals.length > 50 && refusals.length < 400, `${refusals.length} refused`);
    for (const { reason, retryAfterMs } of refusals) {
      assert.equal(reason, 'rateLimited');
      assert.ok(retryAfterMs > 0 && retryAfterMs < 10_000);
    }
    await new Promise((resolve) => setTimeout(resolve, (refusals.at(-1)?.retryAfterMs ?? 0) + 1_000));
    await hasty.session.asked({ case: 'ping', value: {} }, 'pong');
  });

  test('who was cut off is not welcome at once; somebody else is', async () => {
    const flooder = await stranger('proto');
    for (let sent = 0; sent < 40; sent += 1) flooder.tell(floods[0]?.[1]() ?? '');
    await flooder.session.end();
    await using again = await visit('proto', server.ports);
    again.session.send(helloOf(flooder.name));
    assert.equal((await again.session.end()).reason, 'rateLimited');
    await flooder[Symbol.asyncDispose]();
    await using other = await stranger('proto');
    await other.session.asked({ case: 'ping', value: {} }, 'pong');
  });

  test('another session of who floods is refused for a while, not cut off', async () => {
    const flooder = await stranger('proto');
    await using quiet = await signIn('grpc', server.ports, flooder.name);
    for (let sent = 0; sent < 40; sent += 1) flooder.tell(floods[0]?.[1]() ?? '');
    await flooder.session.end();
    const ping = { case: 'ping', value: {} } as const;
    for (let asked = 0; asked < 10; asked += 1)
      assert.equal((await quiet.session.refusal(ping)).reason, 'rateLimited');
    assert.equal(quiet.session.closed, undefined);
    await flooder[Symbol.asyncDispose]();
  });

  test('the sessions of a user, and their calls, share one pace', async () => {
    await using all = new AsyncDisposableStack();
    const visitors: Visitor[] = [];
    for (let count = 0; count < 8; count += 1)
      visitors.push(all.use(await signIn('proto', server.ports, 'busy')));
    const answers = await Promise.all(
      visitors.flatMap(({ session }) =>
        session
          .send(...Array.from({ length: 100 }, (): Command => ({ case: 'ping', value: {} })))
          .map((id) => session.answer(id)),
      ),
    );
    const passed = answers.filter(({ event }) => event.case === 'pong').length;
    assert.ok(passed <= burst + 100, `${passed} of 800 passed`);
    const call = await rest.as('busy').call('GET', '/api/v1/conversations');
    assert.deepEqual([call.status, call.body.reason, call.body.retry], [429, 'rateLimited', 'here']);
    assert.ok(Number(call.body.retry_after_ms) > 0);
    assert.equal((await rest.as('idle').call('GET', '/api/v1/conversations')).status, 200);
  });

  test('calls that make much work count as much', async () => {
    const user_ids = names(500);
    const statuses = [];
    for (let count = 0; count < 6; count += 1)
      statuses.push((await rest.as('curious').call('POST', '/api/v1/presence', { user_ids })).status);
    assert.equal(statuses[0], 200);
    assert.equal(statuses.at(-1), 429);
    const members = names(1_000);
    const made = [];
    for (let count = 0; count < 4; count += 1)
      made.push(
        (await rest.as('founder').call('POST', '/api/v1/groups', { name: 'N', members, max_members: 2_000 }))
          .status,
      );
    assert.equal(made[0], 200);
    assert.equal(made.at(-1), 429);
  });

  test('typing is heard as often as anybody needs, however often it is said', async () => {
    await rest.as('ann').ok('POST', '/api/v1/groups/open/members', { users: ['bob', 'typist'] });
    await say(scene.ann, { convId: 'open' }, 'here we type');
    await using typist = await signIn('proto', server.ports, 'typist');
    const before = scene.bob.session.of('typing').length;
    for (let sent = 0; sent < 10; sent += 1)
      typist.session.send(
        ...Array.from(
          { length: 200 },
          (): Command => ({ case: 'typing', value: { convId: 'open', active: true } }),
        ),
      );
    await typist.session.end();
    await scene.assertUnharmed();
    const heard = scene.bob.session.of('typing').length - before;
    assert.ok(heard > 0 && heard < 100, `heard ${heard} times`);
  });

  test('each is counted', async () => {
    const metrics = await Metrics.read(server.ports.metrics);
    assert.ok((metrics.by('chat_sessions_closed_total').get('rateLimited') ?? 0) >= floods.length - 2);
    assert.ok((metrics.by('chat_commands_refused_total').get('rateLimited') ?? 0) > 100);
    assert.equal(metrics.of('chat_sessions_closed_total{reason="internal"}'), 0);
    await until(
      async () =>
        (await Metrics.read(server.ports.metrics)).of('chat_connections_active{transport="ws-proto"}') === 1,
      () => 'a session of a flood is there still',
    );
  });
});
