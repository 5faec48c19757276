import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { debianTool, deployTool } from '../../scripts/deploy-tools.ts';
import { root } from '../../scripts/paths.ts';
import { optionTables } from '../../services/options.ts';

const run = promisify(execFile);

/** What Compose makes of a file, as far as tests look at it. */
interface Composed {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly configs?: Readonly<Record<string, { readonly file: string }>>;
}

interface Service {
  readonly command?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly restart?: boolean }>>;
  readonly entrypoint?: readonly string[] | null;
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly image: string;
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
  readonly network_mode?: string;
  readonly networks?: Readonly<
    Record<string, { readonly aliases?: readonly string[]; readonly ipv4_address?: string } | null>
  >;
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[];
  readonly privileged?: boolean;
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly secrets?: readonly { readonly source: string }[];
  readonly stop_grace_period?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
}

/** `deploy` with the secrets that its script makes, so that nothing is left in the checkout. */
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parley-compose-'));
  // keepalived looks whether its scripts are reached by who runs them.
  await chmod(directory, 0o711);
  await cp(join(root, 'deploy'), join(directory, 'deploy'), { recursive: true });
  await run(join(directory, 'deploy', 'production', 'secrets.sh'));
});
after(() => rm(directory, { recursive: true }));

async function composed(file: string, profiles: readonly string[] = []): Promise<Composed> {
  const chosen = profiles.flatMap((profile) => ['--profile', profile]);
  const secrets = ['PARLEY_TOKEN_SECRET', 'PARLEY_MASTER_KEYS', 'PARLEY_CLUSTER_TOKEN'];
  const { stdout, stderr } = await run(
    deployTool('docker-compose'),
    ['--file', join(directory, 'deploy', file), ...chosen, 'config', '--format', 'json'],
    {
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        ...Object.fromEntries(secrets.map((name) => [name, 'given'])),
      },
      maxBuffer: 16 * 1024 * 1024,
    },
  );
  assert.equal(stderr, '', 'Compose has no complaint');
  return JSON.parse(stdout) as Composed;
}

function nodesOf({ services }: Composed): [string, Service][] {
  return Object.entries(services).filter(([, { image }]) => image === 'parley');
}

describe('the whole shape of production', () => {
  test('has two of each role, two gateways, a cluster of three databases, and whoever watches', async () => {
    const { services } = await composed('production/compose.yaml', ['push']);
    const roles = nodesOf({ services } as Composed).map(([, { command }]) => command?.at(-1));
    for (const role of ['bridge,connection', 'message', 'group', 'push'])
      assert.equal(roles.filter((each) => each === role).length, 2, role);
    const names = Object.keys(services);
    for (const name of ['gateway', 'keepalived', 'database'])
      for (const number of name === 'database' ? [1, 2, 3] : [1, 2])
        assert.ok(names.includes(`${name}-${number}`));
    for (const name of [
      'redis',
      'kafka',
      'prometheus',
      'alertmanager',
      'grafana',
      'elasticsearch',
      'kibana',
      'filebeat',
    ])
      assert.ok(names.includes(name), name);
  });

  test('every container comes back, is bounded, and keeps its logs small; none is privileged', async () => {
    const { services } = await composed('production/compose.yaml', ['push']);
    for (const [name, service] of Object.entries(services)) {
      assert.ok(service.restart === 'unless-stopped' || service.restart === 'on-failure', name);
      assert.ok(service.deploy?.resources?.limits?.memory !== undefined, `${name} has a limit of memory`);
      assert.ok(service.logging?.options['max-size'] !== undefined, `${name} has a limit of logs`);
      assert.ok(!service.privileged, name);
    }
  });

  test('nodes and engines say whether they are well, and nobody begins before those that he needs', async () => {
    const { services } = await composed('production/compose.yaml', ['push']);
    const silent = Object.entries(services)
      .filter(([, { healthcheck, image }]) => healthcheck === undefined && image !== 'parley')
      .map(([name]) => name)
      .filter((name) => !/exporter|keepalived|filebeat|-net$|-setup$/.test(name));
    assert.deepEqual(silent, []);
    // Nodes have it from their image.
    assert.match(await readFile(join(root, 'deploy', 'Dockerfile'), 'utf8'), /^HEALTHCHECK .*parley-ready/m);
  });

  test('nodes write nowhere, have no rights, and get the time to drain', async () => {
    const production = await composed('production/compose.yaml', ['push']);
    for (const [name, node] of nodesOf(production)) {
      assert.equal(node.read_only, true, name);
      assert.deepEqual(node.cap_drop, ['ALL'], name);
      assert.equal(node.cap_add, undefined, name);
      const drainMs = Number(node.environment?.['PARLEY_DRAIN_MS']);
      assert.ok(seconds(node.stop_grace_period) >= drainMs / 1000 + 20, `${name}: ${node.stop_grace_period}`);
    }
  });

  test('what is private is reached from nowhere outside: inner networks, and ports of this machine alone', async () => {
    const { services, networks } = await composed('production/compose.yaml', ['push']);
    for (const name of ['inner', 'watch']) assert.equal(networks[name]?.internal, true, name);
    for (const [name, { ports, networks: joined }] of Object.entries(services)) {
      for (const { host_ip } of ports ?? []) assert.equal(host_ip, '127.0.0.1', name);
      if (joined !== undefined && 'edge' in joined)
        assert.match(name, /^gateway-[12]-net$|prometheus|blackbox/);
    }
  });

  test('a database that has joined, and has nothing but what it copied, can be asked whether it is well', async () => {
    const { services } = await composed('production/compose.yaml');
    for (const number of [1, 2, 3]) {
      const { environment, healthcheck } = services[`database-${number}`] as Service;
      const asked = ['CMD', 'healthcheck.sh', '--su-mysql', '--connect', '--galera_online'];
      assert.deepEqual(healthcheck?.test, asked);
      // Who asks so is among the tables that are copied.
      assert.equal(environment?.['MARIADB_MYSQL_LOCALHOST_USER'], '1');
    }
  });

  test('secrets are files, all of them made by the script; the environment has none', async () => {
    const production = await composed('production/compose.yaml', ['push']);
    const secret = Object.values(optionTables)
      .flatMap((table) => Object.values(table))
      .filter((option) => 'secret' in option && option.secret === true)
      .map(({ env }) => env);
    for (const [name, { environment = {}, secrets = [] }] of nodesOf(production)) {
      for (const variable of secret) assert.equal(environment[variable], undefined, `${name}: ${variable}`);
      const files = Object.entries(environment).filter(([variable]) => variable.endsWith('_FILE'));
      assert.ok(files.length >= 5, name);
      for (const [variable, file] of files)
        assert.ok(
          secrets.some(({ source }) => file === `/run/secrets/${source}`),
          `${name}: ${variable}`,
        );
    }
    const missing = Object.values(production.secrets).filter(({ file }) => !existsSync(file));
    // Who is told by webhooks only its operator knows.
    assert.deepEqual(
      missing.map(({ file }) => file.split('/').at(-1)),
      ['webhooks.json'],
    );
  });

  test('the certificate for a try is for the name that the probe asks for', async () => {
    const production = join(directory, 'deploy', 'production');
    const [probe] = parse(await readFile(join(production, 'targets', 'probe.yml'), 'utf8')) as {
      readonly labels: Readonly<Record<string, string>>;
    }[];
    const certificate = new X509Certificate(await readFile(join(production, 'secrets', 'tls-cert.pem')));
    assert.ok(certificate.checkHost(probe?.labels['__param_hostname'] ?? '') !== undefined);
  });

  test('a variable that is set is one that Parley knows', async () => {
    const known = new Set(
      Object.values(optionTables).flatMap((table) => Object.values(table).map(({ env }) => env)),
    );
    for (const file of ['compose.yaml', 'production/compose.yaml'])
      for (const [name, { environment = {} }] of nodesOf(await composed(file)))
        for (const variable of Object.keys(environment))
          assert.ok(known.has(variable.replace(/_FILE$/, '')), `${file}, ${name}: ${variable}`);
  });

  test('whatever is mounted from the checkout is there', async () => {
    for (const file of ['compose.yaml', 'engines.yaml', 'production/compose.yaml']) {
      const { services, configs = {} } = await composed(file);
      const mounted = Object.values(services)
        .flatMap(({ volumes = [] }) => volumes)
        .filter(({ type, source }) => type === 'bind' && source.startsWith(directory))
        .map(({ source }) => source);
      for (const source of [...mounted, ...Object.values(configs).map((config) => config.file)])
        assert.ok(existsSync(source), `${file}: ${source}`);
    }
  });
});

describe('gateways, as Compose sets them', () => {
  /** The services whose programs are in the network of a gateway. */
  const partsOf = ({ services }: Composed, gateway: string) =>
    Object.entries(services).filter(([, { network_mode }]) => network_mode === `service:${gateway}-net`);

  test('a program of a gateway that dies leaves the others the network that they are in', async () => {
    const production = await composed('production/compose.yaml');
    for (const gateway of ['gateway-1', 'gateway-2']) {
      const { entrypoint, networks, restart } = production.services[`${gateway}-net`] as Service;
      assert.deepEqual(entrypoint, ['sleep', 'infinity']);
      assert.equal(restart, 'unless-stopped');
      assert.deepEqual(Object.keys(networks ?? {}).sort(), ['edge', 'inner', 'watch']);
      const parts = partsOf(production, gateway).map(([name]) => name);
      assert.deepEqual(
        parts.sort(),
        [
          gateway,
          `${gateway}-exporter`,
          `${gateway}-node-exporter`,
          gateway.replace('gateway', 'keepalived'),
        ].sort(),
      );
    }
    const shared = Object.values(production.services).flatMap(({ network_mode = '' }) =>
      network_mode.startsWith('service:') ? [network_mode] : [],
    );
    for (const mode of shared) assert.match(mode, /^service:gateway-[12]-net$/);
  });

  test('who has the floating address is told to Prometheus, of each', async () => {
    const production = await composed('production/compose.yaml');
    const file = join(directory, 'deploy', 'production', 'targets', 'node.yml');
    const targets = parse(await readFile(file, 'utf8')) as {
      readonly targets: readonly string[];
      readonly labels: { readonly instance: string };
    }[];
    for (const gateway of ['gateway-1', 'gateway-2']) {
      const told = targets.find(({ labels }) => labels.instance === gateway);
      assert.deepEqual(told?.targets, [`${gateway}:9100`]);
      const aliases = production.services[`${gateway}-net`]?.networks?.['watch']?.aliases;
      assert.ok(aliases?.includes(gateway), `Prometheus finds no ${gateway}`);
      const parts = Object.fromEntries(partsOf(production, gateway));
      const keepalived = parts[gateway.replace('gateway', 'keepalived')];
      const exporter = parts[`${gateway}-node-exporter`];
      const written = keepalived?.volumes?.find(
        ({ target }) => target === keepalived.environment?.['STATE_DIRECTORY'],
      );
      const read = exporter?.volumes?.find(({ source }) => source === written?.source);
      assert.ok(read !== undefined, `${gateway} tells nobody`);
      assert.ok(exporter?.command?.includes(`--collector.textfile.directory=${read.target}`));
    }
  });

  test('an edge that starts again, or is made anew, is where the gateways look for it', async () => {
    const { services } = await composed('production/compose.yaml');
    const edges = ['e1', 'e2'].map((name) => services[name]?.networks?.['inner']?.ipv4_address);
    for (const gateway of ['gateway-1', 'gateway-2']) {
      const { depends_on = {}, environment = {} } = services[gateway] as Service;
      for (const [variable, port] of [
        ['HTTP_UPSTREAMS', 9501],
        ['GRPC_UPSTREAMS', 9503],
      ] as const)
        assert.deepEqual(
          [...(environment[variable] ?? '').matchAll(/server (\S+)/g)].map(([, server]) => server),
          edges.map((address) => `${address}:${port}`),
        );
      for (const edge of ['e1', 'e2'])
        assert.ok(!depends_on[edge]?.restart, `${gateway} is restarted with ${edge}`);
    }
  });

  test('the kernel gives them the ports that it is told to give a gateway on a machine', async () => {
    const { services } = await composed('production/compose.yaml');
    const file = await readFile(join(directory, 'deploy', 'gateway', 'sysctl.conf'), 'utf8');
    const told = Object.fromEntries(
      [...file.matchAll(/^(net\S+) = (.+)$/gm)].map(([, name, is]) => [name, is]),
    );
    assert.ok('net.ipv4.ip_local_port_range' in told);
    for (const gateway of ['gateway-1', 'gateway-2'])
      assert.deepEqual(services[`${gateway}-net`]?.sysctls, told);
  });

  /** A template of `deploy` with the variables that a service gets. */
  async function filled(template: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const text = await readFile(join(directory, 'deploy', template), 'utf8');
    return text.replaceAll(
      /\$\{([A-Z_]+)\}/g,
      (_, name: string) => variables[name] ?? assert.fail(`${template} wants ${name}`),
    );
  }

  test('nginx takes its configuration', async () => {
    const { services } = await composed('production/compose.yaml');
    const secrets = join(directory, 'deploy', 'production', 'secrets');
    const own: Record<string, string> = { PID_FILE: join(directory, 'nginx.pid'), NGINX_USER: 'www-data' };
    for (const name of ['ACCESS_LOG', 'ERROR_LOG']) own[name] = '/dev/null';
    for (const [name, value] of Object.entries(services['gateway-1']?.environment ?? {}))
      own[name] ??= value.replace('/run/secrets', secrets);
    await writeFile(join(directory, 'nginx.conf'), await filled('nginx/nginx.conf.in', own));
    await writeFile(join(directory, 'gateway.conf'), await filled('nginx/gateway.conf.in', own));
    const { stderr } = await run(debianTool('nginx'), ['-t', '-c', join(directory, 'nginx.conf')]);
    assert.match(stderr, /test is successful/);
    assert.doesNotMatch(stderr, /\[(warn|error|emerg)\]/);
  });

  test('keepalived takes its configuration, of both', async () => {
    const { services } = await composed('production/compose.yaml');
    for (const [name, other] of [
      ['1', '2'],
      ['2', '1'],
    ] as const) {
      const variables = services[`keepalived-${name}`]?.environment ?? {};
      assert.equal(variables['PEER_ADDRESS'], services[`keepalived-${other}`]?.environment?.['OWN_ADDRESS']);
      const file = join(directory, 'keepalived.conf');
      const scripts = join(directory, 'deploy', 'keepalived');
      const text = await filled('keepalived/keepalived.conf.in', { ...variables, SCRIPTS: scripts });
      await writeFile(file, text);
      assert.equal(await keepalivedSays(file), '');
      await writeFile(file, text.replace('virtual_router_id', 'virtual_ruoter_id'));
      assert.match(await keepalivedSays(file), /virtual_ruoter_id/);
    }
  });
});

/** What keepalived has to say against a configuration, in a network of its own that has the device. */
async function keepalivedSays(file: string): Promise<string> {
  const tested = `ip link add edge0 type veth peer name edge1 && exec "$@"`;
  const keepalived = [debianTool('keepalived'), '--config-test', '--use-file', file];
  // 2.2.7 ends itself on a script user that it was given (its issue 2587), but can't as the first of its processes.
  const said = await run('unshare', [
    '--net',
    '--pid',
    '--fork',
    'sh',
    '-c',
    tested,
    'sh',
    ...keepalived,
  ]).catch((error: { stdout: string; stderr: string }) => ({ ...error, stderr: `${error.stderr}refused` }));
  return `${said.stdout}${said.stderr}`;
}

test('Elasticsearch and Kibana are told of the logs, each by the one who may', async () => {
  const heard: { readonly asked: string; readonly by: string | undefined; readonly body: string }[] = [];
  // It has the word of neither: what they make of it can't be known here.
  const standIn = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      heard.push({ asked: `${request.method} ${request.url}`, by: request.headers.authorization, body });
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  const url = `http://127.0.0.1:${(standIn.address() as AddressInfo).port}`;
  const deploy = join(directory, 'deploy');
  const { services } = await composed('production/compose.yaml');
  for (const name of ['elasticsearch-setup', 'kibana-setup']) {
    const [shell = '', flag = '', script = ''] = services[name]?.entrypoint ?? [];
    const placed = script
      .replaceAll('$$', () => '$')
      .replaceAll('/run/secrets', join(deploy, 'production', 'secrets'))
      .replaceAll('@/elk', `@${join(deploy, 'elk')}`)
      .replaceAll(/http:\/\/(elasticsearch:9200|kibana:5601)/g, url);
    await run(shell, [flag, placed]);
  }
  standIn.close();
  const secret = (name: string) => readFile(join(deploy, 'production', 'secrets', name), 'utf8');
  const elastic = `Basic ${Buffer.from(`elastic:${await secret('elastic-password')}`).toString('base64')}`;
  assert.deepEqual(
    heard.map(({ asked, by }) => [asked, by]),
    [
      'POST /_security/user/kibana_system/_password',
      'PUT /_ilm/policy/parley-logs',
      'PUT /_index_template/parley-logs',
      'POST /api/saved_objects/_import?overwrite=true',
    ].map((asked) => [asked, elastic]),
  );
  const [password, policy, template, searches] = heard.map(({ body }) => body);
  assert.deepEqual(JSON.parse(password ?? ''), { password: await secret('kibana-password') });
  const file = (name: string) => readFile(join(deploy, 'elk', name), 'utf8');
  assert.deepEqual(JSON.parse(policy ?? ''), JSON.parse(await file('ilm-policy.json')));
  assert.deepEqual(JSON.parse(template ?? ''), JSON.parse(await file('index-template.json')));
  assert.ok(searches?.includes(await file('saved-searches.ndjson')), 'as it is, within a form');
});

test('secrets are made once, and for nobody else', async () => {
  const secrets = join(directory, 'deploy', 'production', 'secrets');
  const read = async () =>
    Promise.all(
      (await readdir(secrets))
        .sort()
        .map(async (name) => [name, await readFile(join(secrets, name), 'utf8')]),
    );
  const first = await read();
  const { stdout } = await run(join(directory, 'deploy', 'production', 'secrets.sh'));
  assert.equal(stdout, '');
  assert.deepEqual(await read(), first);
  assert.equal((await stat(secrets)).mode & 0o777, 0o700);
});

/** Compose writes durations as Go does: `1m30s`. */
function seconds(duration = '0s'): number {
  const [, minutes = 0, rest = 0] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  return 60 * Number(minutes) + Number(rest);
}
