import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { GatewayPlace, type GatewaySettings } from '../test/engines/gateway.ts';
import { Lan } from '../test/engines/lan.ts';
import { addNamespace, NetNamespace, removeNamespace } from '../test/engines/net-namespace.ts';
import { Authority } from '../test/helpers/certificates.ts';
import { type GatewayOptions, gatewayFiles } from './gateway-files.ts';

describe('the files of a gateway', () => {
  let authority: Authority;
  let settings: GatewaySettings;
  const stack = new AsyncDisposableStack();
  before(async () => {
    authority = stack.use(await Authority.make());
    await authority.sign('gateway');
    const { cert, key } = authority.files('gateway');
    settings = {
      http: ['192.0.2.1:9501', '[2001:db8::1]:9501'],
      grpc: ['192.0.2.1:9503'],
      certificate: cert,
      key,
      listen: ['443', '[::]:443'],
      listenPlain: ['80'],
      checkPort: 9510,
      proxyProtocolFrom: [],
      connectionsPerAddress: 2_000,
      requestsPerSecond: 200,
      requestBurst: 2_000,
    };
  });
  after(() => stack.disposeAsync());

  const place = async (more: Partial<GatewaySettings> = {}): Promise<GatewayPlace> =>
    stack.use(await GatewayPlace.make({ ...settings, ...more }));

  async function nginxTakes(one: GatewayPlace): Promise<string> {
    return one.run('nginx', '-t', '-e', 'stderr', '-c', join(one.directory, 'nginx', 'nginx.conf'));
  }

  it('are taken by nginx', async () => {
    assert.match(await nginxTakes(await place()), /test is successful/);
  });

  it('are taken by nginx with TLS to the nodes, behind balancers that speak the PROXY protocol', async () => {
    const one = await place({
      upstreamAuthority: authority.files('ca').cert,
      proxyProtocolFrom: ['192.0.2.0/24', '2001:db8::/32'],
    });
    assert.match(await nginxTakes(one), /test is successful/);
    const text = await readFile(join(one.directory, 'nginx', 'gateway.conf'), 'utf8');
    assert.match(text, /grpc_pass grpcs:/);
    assert.match(text, /listen \[::\]:443 ssl http2 backlog=4096 proxy_protocol;/);
  });

  const pair = { device: 'lo', own: '192.0.2.1', peer: '192.0.2.2', floating: '192.0.2.9/24' };

  it('are taken by keepalived', { skip: !NetNamespace.possible && 'needs root on Linux' }, async () => {
    const lan = stack.use(await Lan.create());
    const namespace = await addNamespace();
    stack.defer(() => removeNamespace(namespace));
    const { device, address, command } = await lan.join(namespace, 2);
    const own = { device, own: address, peer: lan.address(3), floating: `${lan.address(4)}/24` };
    const one = await place({ prefix: command, pair: own });
    const file = join(one.directory, 'keepalived', 'keepalived.conf');
    // Version 2.2.7 ends itself where a script has a user of its own, because it takes its parent for another one than at
    // its start: in a namespace where it has none all is well.
    const check = () => one.run('unshare', '--fork', '--pid', 'keepalived', '-t', '--use-file', file);
    assert.equal(await check(), '');
    await writeFile(file, (await readFile(file, 'utf8')).replace('weight -20', 'wait -20'));
    await assert.rejects(check(), /Unknown keyword 'wait'/);
  });

  it('hold nothing that would be more than a value', () => {
    const whole: GatewayOptions = {
      ...settings,
      directory: '/etc/parley',
      logs: '/var/log/nginx',
      run: '/run',
      nginxUser: 'www-data',
      serverName: 'chat.example.org',
      pair: { ...pair, routerNumber: 51, scriptUser: 'nobody', stateDirectory: '/var/lib/state' },
    };
    assert.equal(gatewayFiles(whole).size, 5);
    for (const wrong of [
      { serverName: 'a; return 200' },
      { http: ['a:1', 'b:1 down; }'] },
      { http: [] },
      { requestsPerSecond: 0 },
      { checkPort: Number.NaN },
      { pair: { ...pair, routerNumber: 1, scriptUser: 'a b', stateDirectory: '/x' } },
    ] as Partial<GatewayOptions>[])
      assert.throws(() => gatewayFiles({ ...whole, ...wrong }), JSON.stringify(wrong));
    for (const [name, text] of gatewayFiles(whole)) assert.doesNotMatch(text, /\$\{/, name);
  });

  it('tell the node exporter who has the address, and only all of it', async () => {
    const one = await place({ pair });
    const notify = (state: string) =>
      one.run(join(one.directory, 'keepalived', 'notify'), one.state, 'INSTANCE', 'parley', state, '100');
    const told = () => readFile(join(one.state, 'parley_gateway.prom'), 'utf8');
    await notify('BACKUP');
    assert.match(await told(), /^parley_gateway_owner 0$/m);
    await notify('MASTER');
    assert.match(await told(), /^parley_gateway_owner 1$/m);
    assert.match(await told(), /^parley_gateway_changed_timestamp_seconds \d{10,}$/m);
    await notify('FAULT');
    assert.match(await told(), /^parley_gateway_owner 0$/m);
  });
});
