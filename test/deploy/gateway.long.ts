import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { until } from '../e2e/support/until.ts';
import { NetNamespace } from '../engines/net-namespace.ts';
import { FaultRun, users } from '../faults/fault-run.ts';
import { told, verdict } from '../faults/reports.ts';
import { type Gateway, GatewaySite } from './gateway-site.ts';

/**
 * Two gateways with the real nginx and keepalived, each a machine of its own as far as the network goes: what has the
 * floating address dies in several ways in the middle of traffic by WebSocket and gRPC with TLS, and everybody comes back
 * by the other one.
 */

describe('two gateways that share an address', {
  skip: !NetNamespace.possible && 'needs root on Linux',
}, () => {
  const stack = new AsyncDisposableStack();
  let site: GatewaySite;
  let run: FaultRun;

  before(async () => {
    site = stack.use(await GatewaySite.start(users));
    await owner();
    run = stack.use(await FaultRun.create(site));
  });
  after(() => stack.disposeAsync());

  /** Who has the address and is well, and the other one; waits until there is one. */
  async function owner(): Promise<readonly [Gateway, Gateway]> {
    const [one, two] = site.gateways;
    let owners: readonly boolean[] = [];
    await until(
      async () => {
        owners = await Promise.all([one.owns, two.owns]);
        return owners[0] !== owners[1];
      },
      () => `owners: ${owners.join()}\n${[one, two].map(({ keepalived }) => keepalived.output).join('\n')}`,
    );
    return owners[0] === true ? [one, two] : [two, one];
  }

  /** How long it takes until the other gateway has the address, in milliseconds. */
  async function moved(to: Gateway, sinceMs: number): Promise<number> {
    await until(
      () => to.owns,
      () => to.keepalived.output,
    );
    return performance.now() - sinceMs;
  }

  /**
   * Something happens to the gateway that has the address, which goes to the other one, and everybody is served again.
   * When the first one has been mended, the address must stay where it is.
   */
  async function failover(
    t: TestContext,
    fault: (owning: Gateway) => Promise<void>,
    mend: (former: Gateway) => Promise<void>,
  ): Promise<void> {
    const [owning, other] = await owner();
    let movedMs = 0;
    const round = await run.round(async () => {
      const atMs = performance.now();
      await fault(owning);
      movedMs = await moved(other, atMs);
    });
    t.diagnostic(`the address moved within ${Math.round(movedMs)} ms`);
    told(t, round);
    await mend(owning);
    const calm = await run.round(() => new Promise((resolve) => setTimeout(resolve, steadyMs)));
    told(t, calm);
    const [now] = await owner();
    assert.equal(now.name, other.name, 'the address went back');
  }

  /** Longer than it takes to find that a gateway is well again, and to take the address. */
  const steadyMs = 6_000;

  test('nginx and keepalived of the one that has it are killed', (t) =>
    failover(
      t,
      async ({ nginx, keepalived }) => void (await Promise.all([nginx.kill(), keepalived.kill()])),
      async ({ nginx, keepalived }) => {
        await nginx.restart();
        await keepalived.restart();
      },
    ));

  test('its cable is pulled', (t) =>
    failover(
      t,
      ({ outside }) => outside.link('down'),
      ({ outside }) => outside.link('up'),
    ));

  test('its nginx is killed, and keepalived finds out', (t) =>
    failover(
      t,
      ({ nginx }) => nginx.kill(),
      ({ nginx }) => nginx.restart(),
    ));

  test('its keepalived is stopped, as for work on the machine', (t) =>
    failover(
      t,
      ({ keepalived }) => keepalived.stop(),
      ({ keepalived }) => keepalived.restart(),
    ));

  test('a node behind it is killed, and another one drains: the address stays', async (t) => {
    const [before] = await owner();
    const { cluster } = site;
    told(t, await run.round(() => cluster.get('e1').kill()));
    await cluster.get('e1').start(portsOf(site, 'e1'));
    told(t, await run.round(() => cluster.get('e2').drain()));
    await cluster.get('e2').start(portsOf(site, 'e2'));
    const [now] = await owner();
    assert.equal(now.name, before.name);
  });

  test('kept all promises, and wrote down no token', async (t) => {
    await verdict(t, run);
    for (const { nginx } of site.gateways) {
      const lines = (await nginx.accessLog()).trimEnd().split('\n');
      for (const line of lines) JSON.parse(line);
      t.diagnostic(`${lines.length} lines of access log`);
      // The beginning of every token.
      assert.doesNotMatch(`${lines.join()}${await nginx.errorLog()}`, /eyJ/);
    }
  });
});

/** A node comes back where its gateways look for it. */
function portsOf({ cluster }: GatewaySite, name: string): Readonly<Record<string, string>> {
  const { http, ws, grpc } = cluster.get(name).ports;
  return { PARLEY_HTTP_PORT: `${http}`, PARLEY_WS_PORT: `${ws}`, PARLEY_GRPC_PORT: `${grpc}` };
}
