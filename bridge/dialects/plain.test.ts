import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import {
  type GetConversationRequest,
  GetConversationResponseSchema,
} from '../../gen/parley/chat/v1/conversation_pb.ts';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { CallContext } from '../../services/core/door.ts';
import { type BridgeFixture, doorTest, type TestSocket } from '../testing/bridge-fixture.ts';
import { commandOf, entry, entryEvents, events, requestOf } from '../testing/frames.ts';

/** A plain socket that is welcomed as its user. */
async function signedIn(fixture: BridgeFixture, user: string) {
  const socket = await fixture.connect(`?user_id=${user}`);
  const { session } = await fixture.host.next('open');
  await fixture.host.next('data', session);
  const welcome = { userId: user, pingIntervalMs: 30_000, ackBytes: 1 << 20 };
  fixture.host.outlet.deliver([session], events({ event: { case: 'welcome', value: welcome } }));
  return { socket, session };
}

async function command(fixture: BridgeFixture, session: number) {
  return commandOf((await fixture.host.next('data', session)).frame);
}

function say(socket: TestSocket, frame: unknown): void {
  socket.send(JSON.stringify(frame));
}

doorTest("the source's page: user in the address, numeric ids", async (start) => {
  await using fixture = await start();
  const { host } = fixture;
  const socket = await fixture.connect('?user_id=2');
  say(socket, { type: 'group', group_id: 1, user_id: 9, content: 'hi' });
  const { session, info } = await host.next('open');
  assert.equal(info.transport, 'ws-plain');
  const hello = (await command(fixture, session)).command;
  assert.ok(hello.case === 'hello');
  assert.deepEqual([hello.value.userId, hello.value.openGroups, hello.value.token], ['2', true, '']);
  const sent = await command(fixture, session);
  assert.ok(sent.command.case === 'send');
  assert.deepEqual(sent.command.value.target, { case: 'convId', value: '1' });
  assert.equal(sent.command.value.body?.content.value, 'hi');
  assert.equal(sent.command.value.clientId.length, 36);
  const value = { convId: '1', seq: 7n, msgId: 12_345_678_901_234_567n, createdAtMs: 1n };
  host.outlet.deliver([session], events({ replyTo: sent.id, event: { case: 'sent', value } }));
  assert.deepEqual(await socket.nextJson(), {
    type: 'ack',
    msg_id: '12345678901234567',
    seq: 7,
    conv_id: '1',
  });
});

doorTest("the source's client: its first frame says who it is", async (start) => {
  await using fixture = await start();
  const socket = await fixture.connect();
  const { session } = await fixture.host.next('open');
  say(socket, { type: 'private', to: 'bob', content: 'psst' });
  assert.equal((await socket.nextJson()).reason, 'helloExpected');
  say(socket, { type: 'message', conv_id: 'group_123', sender: 'user_001', content: 'Hello World' });
  const hello = (await command(fixture, session)).command;
  assert.ok(hello.case === 'hello');
  assert.deepEqual([hello.value.userId, hello.value.openGroups], ['user_001', true]);
  const sent = (await command(fixture, session)).command;
  assert.ok(sent.case === 'send');
  assert.deepEqual(sent.value.target, { case: 'convId', value: 'group_123' });
});

doorTest(
  'a token signs in without open groups, from the address, the subprotocol or a hello',
  async (start) => {
    await using fixture = await start();
    const byHello = await fixture.connect();
    say(byHello, { type: 'hello', token: 'jwt', device_id: 'd1' });
    const byQuery = await fixture.connect('?token=jwt&device_id=d1');
    const byProtocol = await fixture.connect('?device_id=d1', ['bearer.jwt']);
    assert.equal(byProtocol.protocol, 'bearer.jwt');
    for (const _ of [byHello, byQuery, byProtocol]) {
      const { session } = await fixture.host.next('open');
      const hello = (await command(fixture, session)).command;
      assert.ok(hello.case === 'hello');
      const { token, userId, openGroups, deviceId } = hello.value;
      assert.deepEqual([token, userId, openGroups, deviceId], ['jwt', '', false, 'd1']);
    }
  },
);

doorTest('messages are shown, other entries are not', async (start) => {
  await using fixture = await start();
  const { socket, session } = await signedIn(fixture, 'ann');
  fixture.host.outlet.deliver(
    [session],
    entryEvents(
      { convId: 'g', seq: 1, sender: 'bob' },
      { convId: 'g', seq: 2, sender: 'bob', text: 'one' },
      { convId: 'd_x', seq: 3, sender: 'bob', text: 'two' },
    ),
  );
  assert.deepEqual(await socket.nextJson(), {
    type: 'group_message',
    data: {
      msg_id: '1002',
      conv_id: 'g',
      group_id: 'g',
      user_id: 'bob',
      content: 'one',
      seq: 2,
      timestamp: 1_700_000_000.25,
    },
  });
  assert.deepEqual(await socket.nextJson(), {
    type: 'private_message',
    data: {
      msg_id: '1003',
      conv_id: 'd_x',
      to: 'ann',
      user_id: 'bob',
      content: 'two',
      seq: 3,
      timestamp: 1_700_000_000.25,
    },
  });
});

doorTest('the receiver of an own message is asked for once, and order is kept meanwhile', async (start) => {
  await using fixture = await start();
  const { host } = fixture;
  const asked: [string, unknown, string | undefined][] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  host.answer = async (rpc: string, request: unknown, context: CallContext) => {
    asked.push([rpc, (request as GetConversationRequest).target.value, context.user]);
    await promise;
    return create(GetConversationResponseSchema, { conversation: { peer: 'béa' } });
  };
  const { socket, session } = await signedIn(fixture, 'ann');
  host.outlet.deliver([session], entryEvents({ convId: 'd_x', seq: 1, sender: 'ann', text: 'one' }));
  host.outlet.deliver([session], entryEvents({ convId: 'g', seq: 2, sender: 'bob', text: 'two' }));
  resolve();
  const first = (await socket.nextJson()).data as Record<string, unknown>;
  assert.deepEqual([first.to, first.content], ['béa', 'one']);
  assert.equal(((await socket.nextJson()).data as Record<string, unknown>).content, 'two');
  host.outlet.deliver([session], entryEvents({ convId: 'd_x', seq: 3, sender: 'ann', text: 'three' }));
  assert.equal(((await socket.nextJson()).data as Record<string, unknown>).to, 'béa');
  assert.deepEqual(asked, [['parley.chat.v1.ConversationService/GetConversation', 'd_x', 'ann']]);
});

doorTest('nobody is named as receiver when nobody knows', async (start) => {
  await using fixture = await start();
  fixture.host.answer = () => {
    throw new Error('no');
  };
  const { socket, session } = await signedIn(fixture, 'ann');
  fixture.host.outlet.deliver([session], entryEvents({ convId: 'd_x', seq: 1, sender: 'ann', text: 'one' }));
  const { data } = await socket.nextJson();
  assert.equal('to' in (data as object), false);
});

doorTest('until the first ack what is flushed counts as delivered', async (start) => {
  await using fixture = await start();
  const { session } = await signedIn(fixture, 'ann');
  fixture.host.outlet.deliver(
    [session],
    entryEvents(
      { convId: 'g', seq: 4, sender: 'bob', text: 'one' },
      { convId: 'g', seq: 5, sender: 'bob' },
      { convId: 'h', seq: 9, sender: 'bob' },
    ),
  );
  const { command: ack } = await command(fixture, session);
  assert.ok(ack.case === 'ack');
  assert.deepEqual(
    ack.value.items.map(({ convId, seq }) => [convId, Number(seq)]),
    [
      ['g', 5],
      ['h', 9],
    ],
  );
});

doorTest('after the first ack messages wait for theirs, and what is not shown goes along', async (start) => {
  await using fixture = await start();
  const { socket, session } = await signedIn(fixture, 'ann');
  say(socket, { type: 'ack', msg_id: '77' });
  const first = await command(fixture, session);
  assert.ok(first.command.case === 'ack');
  assert.deepEqual(first.command.value.items[0]?.msgId, 77n);
  fixture.host.outlet.deliver(
    [session],
    entryEvents(
      { convId: 'g', seq: 1, sender: 'bob' },
      { convId: 'g', seq: 2, sender: 'bob', text: 'one' },
      { convId: 'g', seq: 3, sender: 'bob' },
      { convId: 'g', seq: 4, sender: 'bob', text: 'two' },
      { convId: 'g', seq: 5, sender: 'bob' },
    ),
  );
  const places = async () => {
    const { command: ack } = await command(fixture, session);
    assert.ok(ack.case === 'ack');
    return ack.value.items.map(({ convId, seq }) => [convId, Number(seq)]);
  };
  assert.deepEqual(await places(), [['g', 1]]);
  say(socket, { type: 'ack', msg_id: '1002' });
  assert.deepEqual(await places(), [['g', 3]]);
  say(socket, { type: 'ack', msg_id: 1004 });
  assert.deepEqual(await places(), [['g', 5]]);
});

doorTest('a gap is fetched page by page, and live entries wait behind it', async (start) => {
  await using fixture = await start();
  const { host } = fixture;
  const { socket, session } = await signedIn(fixture, 'ann');
  const gap = { convId: 'g', fromSeq: 5n, toSeq: 6n };
  host.outlet.deliver([session], events({ event: { case: 'gap', value: gap } }));
  const list = await command(fixture, session);
  assert.ok(list.command.case === 'list');
  assert.deepEqual([list.command.value.fromSeq, list.command.value.limit], [5n, 2]);
  host.outlet.deliver([session], entryEvents({ convId: 'g', seq: 7, sender: 'bob', text: 'live' }));
  const texts = ['five', 'six'].map((text, i) => entry({ convId: 'g', seq: 5 + i, sender: 'bob', text }));
  const page = { convId: 'g', entries: texts, headSeq: 6n, more: false };
  host.outlet.deliver([session], events({ replyTo: list.id, event: { case: 'entries', value: page } }));
  const contents = async () => ((await socket.nextJson()).data as Record<string, unknown>).content;
  assert.deepEqual([await contents(), await contents()], ['five', 'six']);
  const more = await command(fixture, session);
  assert.ok(more.command.case === 'list');
  assert.deepEqual([more.command.value.fromSeq, more.command.value.limit], [7n, 1]);
  const last = [entry({ convId: 'g', seq: 7, sender: 'bob', text: 'live' })];
  host.outlet.deliver(
    [session],
    events({ replyTo: more.id, event: { case: 'entries', value: { convId: 'g', entries: last } } }),
  );
  assert.equal(await contents(), 'live');
  host.outlet.deliver([session], entryEvents({ convId: 'g', seq: 8, sender: 'bob', text: 'on' }));
  assert.equal(await contents(), 'on');
});

doorTest('a refused send is told, and given up so that later ones pass', async (start) => {
  await using fixture = await start();
  const { socket, session } = await signedIn(fixture, 'ann');
  say(socket, { type: 'group', group_id: 'g', content: 'hi', client_id: 'mine' });
  const send = await command(fixture, session);
  const refusal = { code: 14, reason: 'diskFull', message: 'full', retry: Retry.HERE, retryAfterMs: 50 };
  fixture.host.outlet.deliver(
    [session],
    events({ replyTo: send.id, event: { case: 'error', value: refusal } }),
  );
  assert.deepEqual(await socket.nextJson(), {
    type: 'error',
    reason: 'diskFull',
    message: 'full',
    retry: 'here',
    retry_after_ms: 50,
    field: '',
    client_id: 'mine',
  });
  const skip = (await command(fixture, session)).command;
  assert.ok(skip.case === 'skip');
  assert.deepEqual([skip.value.target.value, skip.value.clientId], ['g', 'mine']);
});

doorTest('slips are answered and cost nothing', async (start) => {
  await using fixture = await start();
  const { socket, session } = await signedIn(fixture, 'ann');
  const slips: [string | Buffer, string][] = [
    ['{', 'malformedFrame'],
    ['[]', 'malformedFrame'],
    ['{"type":"dance"}', 'unknownCommand'],
    ['{"type":"group","content":"x"}', 'invalidField'],
    ['{"type":"group","group_id":1.5,"content":"x"}', 'invalidField'],
    ['{"type":"group","group_id":9007199254740993,"content":"x"}', 'invalidField'],
    ['{"type":"group","group_id":"1","content":"\\ud800"}', 'invalidField'],
    ['{"type":"group","group_id":"1","content":5}', 'invalidField'],
    ['{"type":"private","content":"x"}', 'invalidField'],
    ['{"type":"ack","msg_id":"nine"}', 'invalidField'],
    ['{"type":"hello","token":"x"}', 'alreadySignedIn'],
    [`{"type":"group","group_id":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'invalidField'],
    [Buffer.from([1, 2]), 'unsupportedFrame'],
  ];
  for (const [slip, reason] of slips) {
    socket.send(slip);
    const answer = await socket.nextJson();
    assert.deepEqual([answer.type, answer.reason, answer.retry], ['error', reason, 'never'], String(slip));
  }
  assert.equal(fixture.bridge.counters.malformedFrames.plain, slips.length);
  say(socket, { type: 'private', user_id: 'bob', content: 'still here' });
  const { commands } = requestOf((await fixture.host.next('data', session)).frame);
  assert.deepEqual(commands[0]?.command.case, 'send');
});
