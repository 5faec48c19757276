import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { encodeOwnerFrames } from './owner-wire.ts';
import type { EdgeFrame, Operation, OwnerFrame } from './edge-frames.ts';
import { decodeEdgeFrames, encodeEdgeFrames } from './edge-wire.ts';
import { type Hello, linkVersion } from './hello.ts';
import { edgeCodec } from './link-codecs.ts';
import { type LinkCounters, linkCounters, StreamLink } from './stream-link.ts';
import { weighOperation } from './weight.ts';

const hello: Hello = { version: linkVersion, nodeId: 'n', incarnation: 1, clusterToken: '', storeEpoch: '' };
const delivered = (seq: number): EdgeFrame => ({
  t: 'delivered',
  items: [{ convId: 'c' as ConvId, userId: 'u' as UserId, seq }],
});

it('a frame that can’t be written ends its link, and nothing else', async () => {
  const told: string[] = [];
  const written: number[] = [];
  const { promise: down, resolve } = Promise.withResolvers<string>();
  const link = new StreamLink<EdgeFrame, OwnerFrame>({
    carrier: {
      write: (message) => void written.push(message.byteLength),
      hangUp: (fault) => told.push(`hung up: ${fault?.reason}`),
    },
    codec: edgeCodec,
    counters: linkCounters(),
    limitBytes: 1_000,
    hello: () => hello,
    calls: true,
    opened: () => ({ frames: () => {}, down: resolve }),
    failed: (error) => told.push(`failed: ${error instanceof RangeError}`),
  });
  link.take(encodeOwnerFrames([{ t: 'hello', hello }]));
  assert.equal(written.length, 1, 'the hello');
  assert.equal(link.send(delivered(1), 10), 'queued');
  assert.equal(link.send(delivered(0.5), 10), 'queued');
  assert.equal(await down, 'internal');
  assert.deepEqual(told, ['failed: true', 'hung up: internal']);
  assert.equal(written.length, 1, 'frames before it are lost with the link');
  assert.equal(link.send(delivered(2), 10), 'closed');
});

function linkOf(
  counters: LinkCounters,
  write: (done: () => void, message: Uint8Array) => void = () => {},
): StreamLink<EdgeFrame, OwnerFrame> {
  return new StreamLink<EdgeFrame, OwnerFrame>({
    carrier: { write: (message, done) => write(done, message), hangUp: () => {} },
    codec: edgeCodec,
    counters,
    limitBytes: 1_000,
    hello: () => hello,
    calls: true,
    opened: () => ({ frames: () => {}, down: () => {} }),
    failed: () => {},
  });
}

it('what can’t be read ends its link, and says so', () => {
  const told: string[] = [];
  const link = new StreamLink<EdgeFrame, OwnerFrame>({
    carrier: { write: () => {}, hangUp: (fault, reason) => told.push(`${fault?.reason} ${reason}`) },
    codec: edgeCodec,
    counters: linkCounters(),
    limitBytes: 1_000,
    hello: () => hello,
    calls: true,
    opened: () => ({ frames: () => {}, down: (reason) => told.push(reason) }),
    failed: () => {},
  });
  link.take(encodeOwnerFrames([{ t: 'hello', hello }]));
  link.take(Uint8Array.of(0x0a, 0));
  assert.deepEqual(told, ['malformedFrame malformedFrame', 'malformedFrame']);
});

it('counts the links that are open, and those that were', () => {
  const counters = linkCounters();
  const open = (): StreamLink<EdgeFrame, OwnerFrame> => linkOf(counters);
  const greeted = encodeOwnerFrames([{ t: 'hello', hello }]);
  const [one, other, refused] = [open(), open(), open()];
  assert.deepEqual([counters.open, counters.lost], [0, 0], 'nobody has said hello');
  one.take(greeted);
  other.take(greeted);
  assert.deepEqual([counters.open, counters.lost], [2, 0]);
  refused.down('refused');
  one.down('the network');
  one.down('again');
  other.close('enough');
  assert.deepEqual([counters.open, counters.lost], [0, 2], 'one that never was open is not lost');
});

it('counts the bytes that wait for its carrier', async () => {
  const counters = linkCounters();
  const written: (() => void)[] = [];
  const link = linkOf(counters, (done) => void written.push(done));
  link.take(encodeOwnerFrames([{ t: 'hello', hello }]));
  link.send(delivered(1), 10);
  link.send(delivered(2), 20);
  assert.equal(counters.queuedBytes, 30);
  // What is written waits here no longer; what comes while it is on its way does.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written.length, 2);
  assert.equal(counters.queuedBytes, 0);
  link.send(delivered(3), 40);
  assert.equal(counters.queuedBytes, 40);
  assert.equal(link.send(delivered(4), 2_000), 'full');
  assert.equal(counters.queuedBytes, 40);
  link.close('over');
  assert.equal(counters.queuedBytes, 0);
});

it('what is longer than was reckoned goes in several messages, in order', async () => {
  const counters = linkCounters();
  const messages: Uint8Array[] = [];
  const done: (() => void)[] = [];
  const link = linkOf(counters, (written, message) => {
    messages.push(message);
    done.push(written);
  });
  link.take(encodeOwnerFrames([{ t: 'hello', hello }]));
  done.shift()?.();
  messages.length = 0;
  const items = Array.from({ length: 20_000 }, () => ({
    convId: 'c'.repeat(30) as ConvId,
    userId: 'u' as UserId,
    seq: 1,
  }));
  const count = 24;
  for (let i = 0; i < count; i++)
    assert.equal(
      link.send(
        { t: 'delivered', items: [...items, { convId: 'last' as ConvId, userId: 'u' as UserId, seq: i }] },
        10,
      ),
      'queued',
    );
  for (let turns = 0; turns < 20; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    done.shift()?.();
  }
  assert.ok(messages.length > 1, 'one message');
  for (const { byteLength } of messages) assert.ok(byteLength <= 8 * 1024 * 1024, `${byteLength}`);
  const came = messages.flatMap((message) => decodeEdgeFrames(message));
  assert.deepEqual(
    came.map((frame) => (frame.t === 'delivered' ? frame.items.at(-1)?.seq : frame.t)),
    Array.from({ length: count }, (_, i) => i),
  );
  assert.equal(counters.messagesOut, messages.length);
});

it('a sync weighs as much as it names, so that no message is filled with more of them than it may hold', () => {
  const known = Array.from({ length: 1_000 }, (_, i) => ({
    convId: `d_${'x'.repeat(32)}${i}` as ConvId,
    headSeq: 1_000_000,
    headMsgId: 2n ** 62n,
    rev: 2n ** 62n,
    readSeq: 1_000_000,
    deliveredSeq: 1_000_000,
    peerReadSeq: 1_000_000,
    peerDeliveredSeq: 1_000_000,
  }));
  const op: Operation = { t: 'sync', epoch: 'e', known, entries: 20 };
  const bytes = encodeEdgeFrames([
    { t: 'command', call: 1, session: 1, userId: 'u' as UserId, op },
  ]).byteLength;
  const weight = weighOperation(op);
  assert.ok(weight > bytes / 2 && weight < bytes * 2, `${weight} for ${bytes}`);
});
