import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import type { ConvId, UserId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import { Dialer } from '../peer/dialer.ts';
import type { EdgeFrame, OwnerFrame } from '../peer/edge-frames.ts';
import { type Hello, linkVersion } from '../peer/hello.ts';
import type { Link } from '../peer/link.ts';
import { edgeCodec } from '../peer/link-codecs.ts';
import { linkCounters } from '../peer/stream-link.ts';
import { LinkClient } from './link-client.ts';
import { ownerLink } from './link-methods.ts';
import { LinkServer } from './link-server.ts';

const clusterToken = 'a cluster token of tests, 32 long';
const hello = (nodeId: string, fields: Partial<Hello> = {}): Hello => ({
  version: linkVersion,
  nodeId,
  incarnation: 7,
  clusterToken,
  storeEpoch: '',
  ...fields,
});

/** What happened at an end, in order; a test waits for the next. */
class Told<T> {
  readonly #queue: T[] = [];
  #wake: (() => void) | undefined;

  push(what: T): void {
    this.#queue.push(what);
    this.#wake?.();
  }

  async next(): Promise<T> {
    while (this.#queue.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#queue.shift() as T;
  }
}

class End<Out, In> {
  readonly told = new Told<In | { readonly t: 'up'; readonly from: string } | { readonly t: 'down' }>();
  link: Link<Out> | undefined;

  readonly accept = (link: Link<Out>, peer: Hello) => {
    this.link = link;
    this.told.push({ t: 'up', from: peer.nodeId });
    return {
      frames: (frames: readonly In[]) => {
        for (const frame of frames) this.told.push(frame);
      },
      down: () => this.told.push({ t: 'down' }),
    };
  };
}

type Owner = End<OwnerFrame, EdgeFrame>;
type Edge = End<EdgeFrame, OwnerFrame>;

async function serve(owner: Owner, port = 0, limitBytes = 1_000_000): Promise<LinkServer> {
  const server = new LinkServer({
    host: '127.0.0.1',
    port,
    hello: () => hello('owner'),
    log: silentLogger,
    limitBytes,
    helloMs: 1_000,
    counters: { owner: linkCounters(), group: linkCounters(), peer: linkCounters() },
    acceptEdge: owner.accept,
  });
  await server.start();
  return server;
}

function dial(edge: Edge, port: number, own = hello('edge'), limitBytes = 1_000_000) {
  const lost = new Told<unknown>();
  const client = new LinkClient(`127.0.0.1:${port}`, () => credentials.createInsecure());
  const counters = linkCounters();
  const refusals = new Told<string>();
  const dialer = new Dialer<EdgeFrame, OwnerFrame>({
    dial: (events) =>
      client.dial(ownerLink, {
        ...events,
        gone: (reason) => {
          refusals.push(reason);
          events.gone(reason);
        },
      }),
    codec: edgeCodec,
    counters,
    limitBytes,
    hello: () => own,
    opened: edge.accept,
    config: { backoff: { firstMs: 5, maxMs: 20 }, random: Math.random },
    helloMs: 1_000,
    log: { ...silentLogger, warn: (_message, fields) => lost.push(fields?.['parley.reason']) },
    address: 'owner',
  });
  return { dialer, counters, refusals, lost, [Symbol.dispose]: () => dialer.stop() };
}

const typing = (n: number): EdgeFrame => ({
  t: 'typing',
  convId: `c${n}` as ConvId,
  userId: 'ada' as UserId,
  active: true,
});

async function nextFrames(told: Told<unknown>, count: number): Promise<unknown[]> {
  const frames: unknown[] = [];
  while (frames.length < count) frames.push(await told.next());
  return frames;
}

describe('a link by gRPC', () => {
  it('carries frames both ways, in order, those of one turn in one message', async () => {
    const [owner, edge]: [Owner, Edge] = [new End(), new End()];
    const server = await serve(owner);
    {
      using dialed = dial(edge, server.port);
      assert.deepEqual(await owner.told.next(), { t: 'up', from: 'edge' });
      assert.deepEqual(await edge.told.next(), { t: 'up', from: 'owner' });
      const sent = Array.from({ length: 100 }, (_, n) => typing(n));
      for (const frame of sent) edge.link?.send(frame, 100);
      assert.deepEqual(await nextFrames(owner.told, 100), sent);
      assert.deepEqual([dialed.counters.framesOut, dialed.counters.messagesOut], [100, 1]);
      const answers: OwnerFrame[] = [1, 2, 3].map((session) => ({ t: 'registered', session }));
      for (const frame of answers) owner.link?.send(frame, 50);
      assert.deepEqual(await nextFrames(edge.told, 3), answers);
      assert.equal(dialed.counters.framesIn, 4, 'the hello and three');
    }
    assert.deepEqual(await owner.told.next(), { t: 'down' });
    assert.deepEqual(await edge.told.next(), { t: 'down' });
    await server.stop();
  });

  for (const [what, own, reason] of [
    ['another token', hello('edge', { clusterToken: 'x' }), /the cluster token is another one/],
    ['another version', hello('edge', { version: 99 }), /speaks version/],
    ['no name', hello(''), /name of 1 to 64/],
  ] as const)
    it(`refuses ${what}, and says why`, async () => {
      const [owner, edge]: [Owner, Edge] = [new End(), new End()];
      const server = await serve(owner);
      using dialed = dial(edge, server.port, own);
      assert.match(await dialed.refusals.next(), reason);
      assert.equal(owner.link, undefined);
      assert.equal(edge.link, undefined);
      await server.stop();
    });

  it('is taken up again when the other node is back', async () => {
    const [owner, edge]: [Owner, Edge] = [new End(), new End()];
    const first = await serve(owner);
    using dialed = dial(edge, first.port);
    assert.deepEqual(await edge.told.next(), { t: 'up', from: 'owner' });
    await first.stop();
    assert.deepEqual(await edge.told.next(), { t: 'down' });
    assert.equal(dialed.dialer.open, false);
    const again: Owner = new End();
    const second = await serve(again, first.port);
    assert.deepEqual(await edge.told.next(), { t: 'up', from: 'owner' });
    edge.link?.send(typing(1), 100);
    assert.deepEqual(await nextFrames(again.told, 2), [{ t: 'up', from: 'edge' }, typing(1)]);
    await second.stop();
  });

  it('I6: takes no more than it may hold', async () => {
    const [owner, edge]: [Owner, Edge] = [new End(), new End()];
    const server = await serve(owner);
    using dialed = dial(edge, server.port, hello('edge'), 1_000);
    await edge.told.next();
    const said = Array.from({ length: 12 }, (_, n) => edge.link?.send(typing(n), 100));
    assert.deepEqual(said, [...Array.from({ length: 10 }, () => 'queued'), 'full', 'full']);
    assert.equal(dialed.counters.full, 2);
    await owner.told.next();
    assert.equal((await nextFrames(owner.told, 10)).length, 10);
    assert.equal(edge.link?.send(typing(1), 100), 'queued', 'there is room again');
    await server.stop();
  });

  it('is lost for the reason that it was closed for, on whichever side', async () => {
    const [owner, edge]: [Owner, Edge] = [new End(), new End()];
    const server = await serve(owner);
    using dialed = dial(edge, server.port);
    assert.deepEqual(await edge.told.next(), { t: 'up', from: 'owner' });
    edge.link?.close('sendQueueFull');
    assert.equal(await dialed.lost.next(), 'sendQueueFull');
    assert.deepEqual(await nextFrames(edge.told, 2), [{ t: 'down' }, { t: 'up', from: 'owner' }]);
    owner.link?.close('epochChanged');
    assert.equal(await dialed.lost.next(), 'ended');
    await server.stop();
  });

  it('is closed by what is no frame', async () => {
    const owner: Owner = new End();
    const server = await serve(owner);
    const client = new LinkClient(`127.0.0.1:${server.port}`, () => credentials.createInsecure());
    const gone = new Told<string>();
    const carrier = client.dial(ownerLink, { message() {}, gone: (reason) => gone.push(reason) });
    carrier.write(edgeCodec.encode([{ t: 'hello', hello: hello('edge') }]), () => {});
    assert.deepEqual(await owner.told.next(), { t: 'up', from: 'edge' });
    carrier.write(Uint8Array.of(0x0a, 0), () => {});
    assert.deepEqual(await owner.told.next(), { t: 'down' });
    await gone.next();
    await server.stop();
  });
});
