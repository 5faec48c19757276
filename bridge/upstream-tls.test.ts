import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { IdService } from '../gen/parley/chat/v1/id_pb.ts';
import { type Logger, silentLogger } from '../services/core/log.ts';
import { Authority, type NodePem, steady } from '../test/helpers/certificates.ts';
import { clusterToken, nodeServer } from './testing/bridge-fixture.ts';
import { FakeHost } from './testing/fake-host.ts';
import { Upstream } from './upstream.ts';

/** A bridge tries to attach; gives whether it could, and what the node says of it. */
async function attached(from: NodePem | undefined, to: NodePem) {
  const refused: string[] = [];
  const host = new FakeHost();
  const log: Logger = { ...silentLogger, warn: (...[, , error]) => void refused.push(String(error)) };
  const server = nodeServer(host, 0, { tls: steady(to), log });
  await server.start();
  const lost = Promise.withResolvers<false>();
  const upstream = new Upstream({
    config: {
      urls: [`${from ? 'https' : 'http'}://127.0.0.1:${server.port}`],
      clusterToken,
      tls: from && steady(from),
    },
    log: { ...silentLogger, warn: () => lost.resolve(false) },
    waits: { firstMs: 5, maxMs: 20 },
  });
  upstream.attach({ deliver: () => {}, close: () => {} });
  await upstream.start();
  const isAttached = await Promise.race([upstream.attached().then(() => true), lost.promise]);
  if (isAttached) await createClient(IdService, upstream.rpc).allocateIds({});
  await upstream.stop();
  await server.stop();
  return { isAttached, refused: refused.join() };
}

describe('a bridge and its node by mutual TLS', () => {
  it('carry sessions and calls', async () => {
    await using authority = await Authority.make();
    const [bridge, node] = [await authority.tls('bridge'), await authority.tls('node')];
    assert.deepEqual(await attached(bridge, node), { isAttached: true, refused: '' });
  });

  it('do not where the bridge has a certificate of another authority, or speaks in clear', async () => {
    await using authority = await Authority.make();
    await using another = await Authority.make();
    const [bridge, node] = [await another.tls('bridge'), await authority.tls('node')];
    const stranger = await attached({ ...bridge, ca: node.ca }, node);
    assert.equal(stranger.isAttached, false);
    assert.match(stranger.refused, /UNABLE_TO_|SELF_SIGNED|CERT/);
    assert.equal((await attached(bridge, node)).isAttached, false, 'the bridge does not believe the node');
    const clear = await attached(undefined, node);
    assert.equal(clear.isAttached, false);
    assert.match(clear.refused, /wrong version number|http request/i);
  });
});
