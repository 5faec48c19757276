import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ErrorSchema } from '../gen/parley/chat/v1/error_pb.ts';
import { IdService } from '../gen/parley/chat/v1/id_pb.ts';
import type { DoorOutlet } from '../services/core/door.ts';
import { type Frame, wholeFrame } from '../services/core/frame.ts';
import { silentLogger } from '../services/core/log.ts';
import { BridgeFixture, clusterToken, nodeServer } from './testing/bridge-fixture.ts';
import { FakeHost } from './testing/fake-host.ts';
import { Upstream } from './upstream.ts';

const waits = { firstMs: 5, maxMs: 20 };
const info = { remoteAddress: '10.0.0.1', transport: 'ws-proto' };

/** What a door is told. */
class Outlet implements DoorOutlet {
  readonly told: unknown[] = [];
  #wake: (() => void)[] = [];

  deliver(sessions: readonly number[], frame: Frame): void {
    this.#tell(['deliver', [...sessions], Buffer.from(wholeFrame(frame)).toString()]);
  }

  close(session: number, code: number, reason: string): void {
    this.#tell(['close', session, code, reason]);
  }

  async next(): Promise<unknown> {
    while (this.told.length === 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this.told.shift();
  }

  #tell(what: unknown): void {
    this.told.push(what);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Two nodes that are started, and to be stopped by the test. */
async function twoNodes() {
  const hosts = [new FakeHost(), new FakeHost()] as const;
  const servers = [nodeServer(hosts[0]), nodeServer(hosts[1])] as const;
  for (const server of servers) await server.start();
  return [hosts, servers] as const;
}

function upstreamTo(port: number | readonly number[], token = clusterToken, helloMs?: number) {
  const upstream = new Upstream({
    ...(helloMs !== undefined && { helloMs }),
    config: { urls: [port].flat().map((one) => `http://127.0.0.1:${one}`), clusterToken: token },
    log: silentLogger,
    waits,
  });
  const outlet = new Outlet();
  const inlet = upstream.attach(outlet);
  return {
    upstream,
    outlet,
    inlet,
    [Symbol.asyncDispose]: () => upstream.stop(),
  };
}

/** Resolves when a bridge is attached to this node, by another stream than that of `before`. */
async function attachedTo(
  host: FakeHost,
  { upstream }: { readonly upstream: Upstream },
  before?: DoorOutlet,
): Promise<void> {
  while (host.outlet === before) await new Promise((resolve) => setImmediate(resolve));
  await upstream.attached();
}

test('sessions are carried both ways, in order', async () => {
  const host = new FakeHost();
  const server = nodeServer(host);
  await server.start();
  {
    await using door = upstreamTo(server.port);
    await door.upstream.start();
    await door.upstream.attached();
    door.inlet.open(1, info);
    door.inlet.open(2, info);
    for (let i = 0; i < 1_000; i += 1) door.inlet.data(1 + (i % 2), Buffer.from(String(i)));
    assert.deepEqual((await host.next('open', 1)).info, info);
    for (let i = 0; i < 1_000; i += 1) {
      const { session, frame } = await host.next('data');
      assert.deepEqual([session, Buffer.from(frame).toString()], [1 + (i % 2), String(i)]);
    }
    for (let i = 0; i < 1_000; i += 1)
      host.outlet.deliver(i % 2 === 0 ? [1, 2] : [2], Buffer.from(String(i)));
    for (let i = 0; i < 1_000; i += 1)
      assert.deepEqual(await door.outlet.next(), ['deliver', i % 2 === 0 ? [1, 2] : [2], String(i)]);
    door.inlet.paused(1);
    door.inlet.resumed(1);
    door.inlet.closed(1);
    for (const t of ['paused', 'resumed', 'closed'] as const) assert.equal((await host.next(t)).session, 1);
    host.outlet.close(2, 4410, 'superseded');
    assert.deepEqual(await door.outlet.next(), ['close', 2, 4410, 'superseded']);
  }
  await host.next('detach');
  await server.stop();
});

test('when the node dies its sockets are closed, and the bridge attaches to it again', async () => {
  const host = new FakeHost();
  const first = nodeServer(host);
  await first.start();
  const { port } = first;
  await using door = upstreamTo(port);
  door.inlet.open(1, info);
  assert.deepEqual(await door.outlet.next(), ['close', 1, 4503, 'upstreamUnavailable']);
  await door.upstream.start();
  await door.upstream.attached();
  for (const session of [2, 3, 4]) door.inlet.open(session, info);
  await host.next('open', 4);
  door.inlet.closed(3);
  await host.next('closed', 3);
  await first.stop();
  await host.next('detach');
  assert.deepEqual(await door.outlet.next(), ['close', 2, 4503, 'upstreamUnavailable']);
  assert.deepEqual(await door.outlet.next(), ['close', 4, 4503, 'upstreamUnavailable']);
  const second = nodeServer(host, port);
  await second.start();
  await door.upstream.attached();
  door.inlet.data(2, Buffer.from('of the old stream'));
  door.inlet.open(5, info);
  await host.next('open', 5);
  assert.deepEqual(
    host.calls.filter((call) => call.t === 'data'),
    [],
  );
  await door.upstream.stop();
  await second.stop();
});

test('the next node takes over when one is lost, for sessions and for calls', async () => {
  const [hosts, servers] = await twoNodes();
  await using door = upstreamTo(servers.map(({ port }) => port));
  await door.upstream.start();
  await door.upstream.attached();
  door.inlet.open(1, info);
  await hosts[0].next('open', 1);
  await servers[0].stop();
  assert.deepEqual(await door.outlet.next(), ['close', 1, 4503, 'upstreamUnavailable']);
  await door.upstream.attached();
  door.inlet.open(2, info);
  await hosts[1].next('open', 2);
  hosts[1].answer = () => ({ ids: [7n] });
  assert.deepEqual((await createClient(IdService, door.upstream.rpc).allocateIds({})).ids, [7n]);
  await servers[1].stop();
});

test('from a node that drains new sessions go to the next one, and those that it has stay until they end', async () => {
  const [hosts, servers] = await twoNodes();
  await using door = upstreamTo(servers.map(({ port }) => port));
  await door.upstream.start();
  await door.upstream.attached();
  door.inlet.open(1, info);
  door.inlet.open(2, info);
  await hosts[0].next('open', 2);
  await servers[0].drain();
  await attachedTo(hosts[1], door);
  door.inlet.open(3, info);
  await hosts[1].next('open', 3);
  // Both ways, for those of either node.
  door.inlet.data(1, Buffer.from('still here'));
  door.inlet.data(3, Buffer.from('here now'));
  assert.equal(Buffer.from((await hosts[0].next('data', 1)).frame).toString(), 'still here');
  assert.equal(Buffer.from((await hosts[1].next('data', 3)).frame).toString(), 'here now');
  hosts[0].outlet.deliver([1], Buffer.from('goodbye'));
  assert.deepEqual(await door.outlet.next(), ['deliver', [1], 'goodbye']);
  door.inlet.closed(1);
  await hosts[0].next('closed', 1);
  await servers[0].stop();
  assert.deepEqual(await door.outlet.next(), ['close', 2, 4503, 'upstreamUnavailable']);
  assert.ok(door.upstream.isAttached);
  await servers[1].stop();
  assert.deepEqual(await door.outlet.next(), ['close', 3, 4503, 'upstreamUnavailable']);
});

test('a node that drains lets no bridge attach; one that is the only one is waited for', async () => {
  const host = new FakeHost();
  const first = nodeServer(host);
  await first.start();
  const { port } = first;
  await using door = upstreamTo(port);
  await door.upstream.start();
  await door.upstream.attached();
  door.inlet.open(1, info);
  await host.next('open', 1);
  await first.drain();
  {
    const refused: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const warn = (_message: string, _fields: unknown, error: unknown): void => {
      refused.push(error);
      resolve();
    };
    const late = new Upstream({
      config: { urls: [`http://127.0.0.1:${port}`], clusterToken },
      log: { ...silentLogger, warn },
      waits,
    });
    await late.start();
    await promise;
    assert.match(String(refused[0]), /going away/);
    await late.stop();
  }
  door.inlet.data(1, Buffer.from('still here'));
  await host.next('data', 1);
  assert.equal(door.upstream.isAttached, false);
  await first.stop();
  assert.deepEqual(await door.outlet.next(), ['close', 1, 4503, 'upstreamUnavailable']);
  const second = nodeServer(host, port);
  await second.start();
  await door.upstream.attached();
  door.inlet.open(2, info);
  await host.next('open', 2);
  await door.upstream.stop();
  await second.stop();
});

test('a node whose doors are shut is left, and let go of once its sessions are over; later it is as good as any', async () => {
  const [hosts, servers] = await twoNodes();
  await using door = upstreamTo(servers.map(({ port }) => port));
  await door.upstream.start();
  await door.upstream.attached();
  door.inlet.open(1, info);
  door.inlet.open(2, info);
  await hosts[0].next('open', 2);
  servers[0].shut();
  await attachedTo(hosts[1], door);
  door.inlet.open(3, info);
  await hosts[1].next('open', 3);
  hosts[0].outlet.close(1, 4503, 'ownerLost');
  assert.deepEqual(await door.outlet.next(), ['close', 1, 4503, 'ownerLost']);
  door.inlet.closed(2);
  await hosts[0].next('detach');
  const before = hosts[0].outlet;
  servers[0].reopen();
  servers[1].shut();
  await attachedTo(hosts[0], door, before);
  door.inlet.open(4, info);
  await hosts[0].next('open', 4);
  await servers[0].stop();
  await servers[1].stop();
});

test('a node that takes the connection and says nothing is passed over', async () => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const host = new FakeHost();
  const server = nodeServer(host);
  await server.start();
  {
    await using door = upstreamTo([(silent.address() as AddressInfo).port, server.port], clusterToken, 100);
    await door.upstream.start();
    await door.upstream.attached();
    door.inlet.open(1, info);
    await host.next('open', 1);
  }
  await server.stop();
  silent.close();
});

test('calls while the node is out of reach say so, and not where it is', async () => {
  await using door = upstreamTo(9);
  await using fixture = await BridgeFixture.start({ rpc: door.upstream.rpc });
  const response = await fetch(`${fixture.url}/api/v1/groups/g`);
  assert.equal(response.status, 503);
  const answer = (await response.json()) as Record<string, unknown>;
  assert.deepEqual([answer.reason, answer.retry], ['upstreamUnavailable', 'elsewhere']);
  const call = createConnectTransport({ httpVersion: '1.1', baseUrl: fixture.url });
  await assert.rejects(createClient(IdService, call).allocateIds({}), (error) => {
    assert.ok(error instanceof ConnectError && error.code === Code.Unavailable);
    assert.equal(error.findDetails(ErrorSchema)[0]?.reason, 'upstreamUnavailable');
    assert.doesNotMatch(error.message, /127/);
    return true;
  });
});

test('a bridge that does not know the secret gets nothing', async () => {
  const host = new FakeHost();
  const server = nodeServer(host);
  await server.start();
  const warnings: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const upstream = new Upstream({
    config: { urls: [`http://127.0.0.1:${server.port}`], clusterToken: 'x'.repeat(32) },
    log: {
      ...silentLogger,
      warn: (_message, _fields, error) => {
        warnings.push(error);
        resolve();
      },
    },
    waits,
  });
  const outlet = new Outlet();
  const inlet = upstream.attach(outlet);
  await upstream.start();
  inlet.open(1, info);
  await promise;
  assert.match(String(warnings[0]), /unauthenticated.*cluster token/);
  assert.deepEqual(outlet.told, [['close', 1, 4503, 'upstreamUnavailable']]);
  assert.deepEqual(host.calls, []);
  assert.equal(host.outlet, undefined);
  await upstream.stop();
  await server.stop();
});
