import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import { encodeOwnerFrames } from './owner-wire.ts';
import type { EdgeFrame, OwnerFrame } from './edge-frames.ts';
import { type Hello, linkVersion } from './hello.ts';
import { edgeCodec } from './link-codecs.ts';
import { linkCounters, StreamLink } from './stream-link.ts';

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
