import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BridgeFixture } from '../testing/bridge-fixture.ts';
import { commandOf, request } from '../testing/frames.ts';

const ping = request({ commands: [{ id: 7, command: { case: 'ping', value: {} } }] });
const words = [
  'commands',
  'send',
  'convId',
  'type',
  'group',
  'group_id',
  'content',
  'ack',
  'msg_id',
  'hello',
  '\ud800',
];
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1e300,
      2 ** 53,
      0.5,
      '',
      'x',
      '\udfff',
      '9223372036854775808',
    ),
    fc.string({ unit: 'binary' }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string()), tie('any'), { maxKeys: 4 }),
  ),
})).any;
/** JSON, and JSON that was cut or spoilt. */
const text = fc.oneof(
  value.map((v) => JSON.stringify(v)),
  fc.tuple(value, fc.nat(60)).map(([v, cut]) => JSON.stringify(v).slice(0, cut)),
  fc.string({ unit: 'grapheme' }),
);
const bytes = fc.uint8Array({ maxLength: 80 }).map((b) => Buffer.from(b));

const dialects = { proto: ['parley.v1.proto'], json: ['parley.v1.json'], plain: [] } as const;

// The long runs against a whole server are elsewhere: this holds the doors alone, in a second or two.
for (const name of ['proto', 'json', 'plain'] as const) {
  test(`noise in the ${name} dialect costs nobody else anything`, async () => {
    await using fixture = await BridgeFixture.start();
    const connect = () => fixture.connect('?user_id=eve', [...dialects[name]]);
    const bystander = await fixture.connect('', 'parley.v1.proto');
    const { session } = await fixture.host.next('open');
    const frame = fc.oneof({ arbitrary: text, weight: 4 }, { arbitrary: bytes, weight: 1 });
    let socket = await connect();
    for (const [i, noise] of fc.sample(frame, 1_500).entries()) {
      if (socket.readyState !== socket.OPEN) socket = await connect();
      socket.send(noise);
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.close();
    await socket.closed;
    bystander.send(ping);
    assert.equal(commandOf((await fixture.host.next('data', session)).frame).id, 7);
    if (name !== 'proto') assert.ok(fixture.bridge.counters.malformedFrames[name] > 0);
  });
}
