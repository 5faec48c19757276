import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectInClear } from 'node:net';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { Authority, type NodePem, type Signing, steady } from '../../test/helpers/certificates.ts';
import { LinkTlsListener } from '../core/link-tls-listener.ts';
import { type Logger, silentLogger } from '../core/log.ts';
import { type Hello, linkVersion } from '../peer/hello.ts';
import { linkCounters } from '../peer/stream-link.ts';
import { dialMessageNode } from './link-dial.ts';
import { LinkServer } from './link-server.ts';

const hello = (nodeId: string): Hello => ({
  version: linkVersion,
  nodeId,
  incarnation: 1,
  clusterToken: 'a cluster token of tests, 32 long',
  storeEpoch: '',
});
const nothing = { frames: () => {}, down: () => {} };

/** Dials a message node once; gives the name of the node that it is linked to, or why it is not. */
async function dialed(from: NodePem | undefined, to: NodePem | undefined) {
  const accepted: string[] = [];
  const refused: unknown[] = [];
  const server = new LinkServer({
    host: '127.0.0.1',
    port: 0,
    tls: to && steady(to),
    hello: () => hello('owner'),
    log: { ...silentLogger, warn: (...[, , error]) => void refused.push(error) },
    limitBytes: 1_000_000,
    helloMs: 10_000,
    counters: { owner: linkCounters(), group: linkCounters(), peer: linkCounters() },
    acceptEdge: (_, { nodeId }) => {
      accepted.push(nodeId);
      return nothing;
    },
  });
  await server.start();
  let stop = (): void => {};
  const outcome = await new Promise<{ linked?: string; lost?: string }>((resolve) => {
    const log: Logger = {
      ...silentLogger,
      warn: (_, fields) => resolve({ lost: String(fields?.['parley.reason']) }),
    };
    const dialer = dialMessageNode({
      address: `127.0.0.1:${server.port}`,
      tls: from && steady(from),
      hello: () => hello('edge'),
      opened: (_, { nodeId }) => {
        resolve({ linked: nodeId });
        return nothing;
      },
      counters: linkCounters(),
      limitBytes: 1_000_000,
      config: { backoff: { firstMs: 10, maxMs: 10 }, random: Math.random },
      helloMs: 10_000,
      log,
    });
    stop = () => dialer.stop();
  });
  stop();
  await server.stop();
  return { ...outcome, accepted, refused: refused.map(String).join() };
}

/** What the node says of somebody who trusts it and shows nothing. */
async function withoutCertificate(owner: NodePem): Promise<string> {
  const refused: unknown[] = [];
  const listener = new LinkTlsListener({
    tls: steady(owner),
    log: { ...silentLogger, warn: (...[, , error]) => void refused.push(error) },
    connection: (socket) => void socket.end('it was let in'),
  });
  await listener.listen({ host: '127.0.0.1', port: 0 });
  const { port } = listener;
  const socket = connect({ port, ca: owner.ca, checkServerIdentity: () => undefined, ALPNProtocols: ['h2'] });
  try {
    for await (const said of socket) assert.fail(String(said));
  } finally {
    await listener.close();
  }
  return refused.join();
}

describe('links by mutual TLS', () => {
  it('join nodes with certificates of the same authority, whatever their names', async () => {
    await using authority = await Authority.make();
    const outcome = await dialed(await authority.tls('edge'), await authority.tls('owner'));
    assert.deepEqual(outcome, { linked: 'owner', accepted: ['edge'], refused: '' });
  });

  it('refuse a node that has a certificate of another authority, at both ends', async () => {
    await using authority = await Authority.make();
    await using another = await Authority.make();
    const [own, owner, stranger] = [
      await authority.tls('edge'),
      await authority.tls('owner'),
      await another.tls('edge'),
    ];
    // It trusts the node, which does not trust it.
    const accepting = await dialed({ ...stranger, ca: own.ca }, owner);
    assert.deepEqual(accepting.accepted, []);
    assert.equal(accepting.linked, undefined);
    assert.match(accepting.refused, /UNABLE_TO_|SELF_SIGNED|CERT/);
    const dialing = await dialed({ ...own, ca: stranger.ca }, owner);
    assert.deepEqual(dialing.accepted, []);
    assert.match(dialing.lost ?? '', /certificate/);
  });

  it('refuse a node without a certificate, and one that speaks in clear', async () => {
    await using authority = await Authority.make();
    const owner = await authority.tls('owner');
    const clear = await dialed(undefined, owner);
    assert.deepEqual(clear.accepted, []);
    assert.match(clear.refused, /wrong version number/);
    const toClear = await dialed(owner, undefined);
    assert.deepEqual(toClear.accepted, []);
    assert.match(toClear.lost ?? '', /wrong version number/);
    assert.match(await withoutCertificate(owner), /UNABLE_TO_GET_ISSUER_CERT|certificate/i);
  });

  it('cut off who says nothing, and with too many of those the one that has waited longest', {
    timeout: 20_000,
  }, async () => {
    await using authority = await Authority.make();
    const owner = await authority.tls('owner');
    const refused: unknown[] = [];
    const listener = new LinkTlsListener({
      tls: steady(owner),
      log: { ...silentLogger, warn: (...[, , error]) => void refused.push(error) },
      connection: (socket) => void socket.end('it was let in'),
      handshakeMs: 100,
      mostHandshakes: 2,
    });
    await listener.listen({ host: '127.0.0.1', port: 0 });
    const { port } = listener;
    const closed = [];
    for (let no = 0; no < 3; no += 1) {
      const socket = connectInClear({ port });
      closed.push(once(socket, 'close'));
      await once(socket, 'connect');
    }
    try {
      await Promise.all(closed);
      assert.match(refused.map(String).join('\n'), /^.*hang up\n.*handshake timeout\n.*handshake timeout$/);
    } finally {
      await listener.close();
    }
  });

  it('are closed with those that have not said who they are', { timeout: 20_000 }, async () => {
    await using authority = await Authority.make();
    const tls = steady(await authority.tls('owner'));
    const listener = new LinkTlsListener({ tls, log: silentLogger, connection: () => {} });
    await listener.listen({ host: '127.0.0.1', port: 0 });
    const socket = connectInClear({ port: listener.port });
    const closed = once(socket, 'close');
    socket.on('error', () => {});
    await once(socket, 'connect');
    await Promise.all([listener.close(), closed]);
  });

  const outOfTime: readonly [string, Signing['days'], RegExp][] = [
    ['has expired', [-3, -1], /CERT_HAS_EXPIRED/],
    ['is not valid yet', [1, 3], /CERT_NOT_YET_VALID/],
  ];
  for (const [what, days, words] of outOfTime)
    it(`refuse a node whose certificate ${what}, at both ends`, async () => {
      await using authority = await Authority.make();
      const [good, bad] = [await authority.tls('edge'), await authority.tls('late', { days })];
      const accepting = await dialed(bad, good);
      assert.deepEqual(accepting.accepted, []);
      assert.equal(accepting.linked, undefined);
      assert.match(accepting.refused, words);
      const dialing = await dialed(good, bad);
      assert.deepEqual(dialing.accepted, []);
      assert.match(dialing.lost ?? '', /certificate/);
    });
});
