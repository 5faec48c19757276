import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { CommandSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { encodeCommand } from '../services/codec/frames.ts';
import { doorTest } from './testing/bridge-fixture.ts';
import { commandOf } from './testing/frames.ts';

const proto = 'parley.v1.proto';

/** A command with an id, in a frame of about 20 KB. */
function large(id: number): Uint8Array {
  const body = { content: { case: 'text' as const, value: 'x'.repeat(20_000) } };
  const value = { target: { case: 'to' as const, value: 'ann' }, clientId: `${id}`, body };
  return encodeCommand(create(CommandSchema, { id, command: { case: 'send', value } }));
}

doorTest(
  'who sends too fast is read more slowly: all arrives, in order, and others do not wait',
  async (start) => {
    await using fixture = await start({ config: { inboundBytes: 100 * 1024 } });
    const { counters } = fixture.bridge;
    const hasty = await fixture.connect('', proto);
    const { session } = await fixture.host.next('open');
    const calm = await fixture.connect('', proto);
    const other = await fixture.host.next('open');
    for (let id = 1; id <= 30; id += 1) hasty.send(large(id));
    let before = 0;
    for (let id = 1; id <= 30; id += 1) {
      assert.equal(commandOf((await fixture.host.next('data', session)).frame).id, id);
      if (counters.throttled === 0) continue;
      if (before === 0) {
        before = id;
        calm.send(large(99));
        assert.equal(commandOf((await fixture.host.next('data', other.session)).frame).id, 99);
      }
    }
    assert.ok(before > 0 && before < 30, `read no further after ${before}`);
  },
);

doorTest('who goes while being read slowly is gone', async (start) => {
  await using fixture = await start({ config: { inboundBytes: 1024 } });
  const hasty = await fixture.connect('', proto);
  const { session } = await fixture.host.next('open');
  hasty.send(large(1));
  await fixture.host.next('data', session);
  assert.equal(fixture.bridge.counters.throttled, 1);
  fixture.host.outlet.close(session, 4529, 'rateLimited');
  hasty.terminate();
  await hasty.closed;
});

doorTest('who pings without end and takes no answer is cut off, and counted', async (start) => {
  await using fixture = await start();
  const raw = connect(fixture.bridge.wsPort, '127.0.0.1');
  raw.on('error', () => {});
  raw.write(
    'GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
  );
  await once(raw, 'data');
  raw.pause();
  const { session } = await fixture.host.next('open');
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
  const pings = Buffer.concat(Array<Buffer>(1_000).fill(ping));
  const gone = fixture.host.next('closed', session);
  while (raw.writable) {
    if (!raw.write(pings)) await Promise.race([gone, once(raw, 'drain').catch(() => gone)]);
    if (fixture.bridge.counters.slowConsumers > 0) break;
  }
  await gone;
  assert.equal(fixture.bridge.counters.slowConsumers, 1);
  raw.destroy();
});
