import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { debianTool, deployTool } from '../../scripts/deploy-tools.ts';
import { root } from '../../scripts/paths.ts';
import { setGatewayKernel } from '../../scripts/production/gateway-kernel.ts';
import { addNamespace, NetNamespace, removeNamespace } from '../engines/net-namespace.ts';

const run = promisify(execFile);
const deploy = join(root, 'deploy');

/** Runs a program to its end; fails with all that it said. */
async function checked(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, args, { env: { ...process.env, ...env } });
    return `${stdout}${stderr}`;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return assert.fail(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  }
}

/** A file system with the units as the package lays them out, and programs by the names that they start. */
async function machine() {
  const directory = await mkdtemp(join(tmpdir(), 'parley-units-'));
  const units = join(directory, 'usr', 'lib', 'systemd', 'system');
  await mkdir(units, { recursive: true });
  for (const folder of ['systemd', 'rsyslog'])
    for (const unit of await readdir(join(deploy, folder)))
      if (/\.(service|target|timer)$/.test(unit)) await cp(join(deploy, folder, unit), join(units, unit));
  // Where rsyslog ships logs, nodes write them to files.
  await cp(join(deploy, 'rsyslog', 'files.conf'), join(units, 'parley@.service.d', 'files.conf'));
  for (const program of ['bin/parley', 'bin/parley-ready', 'bin/env', 'local/sbin/parley-log-retention']) {
    const file = join(directory, 'usr', program);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, 0o755);
  }
  // Those of systemd itself that every unit stands on.
  const system = (await readdir('/lib/systemd/system')).filter((unit) => unit.endsWith('.target'));
  for (const unit of system)
    await cp(join('/lib/systemd/system', unit), join(units, unit), { dereference: true, recursive: true });
  return {
    directory,
    units,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

describe('units of systemd', () => {
  test('systemd has no complaint, of any instance', async () => {
    await using there = await machine();
    const instances = (await readdir(join(deploy, 'systemd', 'env')))
      .map((env) => env.replace(/\.env$/, ''))
      .filter((instance) => instance !== 'parley');
    const units = instances.map((instance) => `parley@${instance}.service`);
    const timed = ['parley-backup@all', 'parley-log-retention'].flatMap((name) =>
      ['service', 'timer'].map((kind) => `${name}.${kind}`),
    );
    for (const unit of [...units, ...timed]) {
      const said = await checked(debianTool('systemd-analyze'), [
        ...['verify', '--man=no', '--recursive-errors=no', `--root=${there.directory}`],
        unit,
      ]);
      assert.equal(said, '', unit);
    }
  });

  test('a mistake in the unit is found', async () => {
    await using there = await machine();
    const unit = join(there.units, 'parley@.service');
    const text = await readFile(unit, 'utf8');
    await writeFile(unit, text.replace('ProtectSystem=strict', 'ProtectSystem=stricter'));
    const args = ['verify', '--man=no', '--recursive-errors=no', `--root=${there.directory}`];
    const verified = run(debianTool('systemd-analyze'), [...args, 'parley@edge.service']);
    await assert.rejects(verified, /Failed to parse protect system value, ignoring: stricter/);
  });

  test('what it could do to the machine is little', async () => {
    await using there = await machine();
    const said = await checked(debianTool('systemd-analyze'), [
      ...['security', '--offline=yes', '--no-pager', `--root=${there.directory}`, '--threshold=20'],
      'parley@message.service',
    ]);
    const exposure = Number(/Overall exposure level for .*: ([\d.]+)/.exec(said)?.[1]);
    assert.ok(exposure <= 2, `${exposure} of 10`);
  });

  test('one that cannot start is tried again for as long as it takes, and leaves the machine in peace between', async () => {
    const unit = await readFile(join(deploy, 'systemd', 'parley@.service'), 'utf8');
    assert.match(unit, /^Restart=on-failure$/m);
    assert.match(unit, /^StartLimitIntervalSec=0$/m);
    assert.ok(Number(/^RestartSec=(\d+)$/m.exec(unit)?.[1]) >= 5);
  });

  test('it has the time to drain, as the settings beside it have it', async () => {
    const unit = await readFile(join(deploy, 'systemd', 'parley@.service'), 'utf8');
    const stop = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    const shared = await readFile(join(deploy, 'systemd', 'env', 'parley.env'), 'utf8');
    const drainMs = Number(/^#?PARLEY_DRAIN_MS=(\d+)$/m.exec(shared)?.[1]);
    assert.ok(stop >= drainMs / 1000 + 20, `${stop} s for ${drainMs} ms`);
  });
});

test('a gateway: the kernel gives it the ports that it needs', {
  skip: !NetNamespace.possible && 'needs root on Linux',
}, async () => {
  const namespace = await addNamespace();
  try {
    await setGatewayKernel(['ip', 'netns', 'exec', namespace]);
    const file = '/proc/sys/net/ipv4/ip_local_port_range';
    const told = await checked('ip', ['netns', 'exec', namespace, 'cat', file]);
    const [first, last] = told.trim().split(/\s+/).map(Number);
    assert.deepEqual([first, last], [1024, 65_535]);
    // So many sessions at one port of an edge, as docs/capacity.md reckons.
    const page = await readFile(join(root, 'docs', 'capacity.md'), 'utf8');
    const reserved = 3;
    const ports = 65_535 - 1024 + 1 - reserved;
    assert.ok(page.includes(ports.toLocaleString('en')), `docs/capacity.md does not reckon with ${ports}`);
  } finally {
    removeNamespace(namespace);
  }
});

test('the image: hadolint has no complaint', async () => {
  const files = ['Dockerfile', 'production/keepalived.Dockerfile'].map((file) => join(deploy, file));
  assert.equal(await checked(deployTool('hadolint'), ['--failure-threshold', 'style', ...files]), '');
});

test('shell scripts: shellcheck has no complaint', async () => {
  const production = ['secrets.sh', 'mariadb/start.sh', 'mariadb/users.sh'];
  const files = [...production.map((file) => `production/${file}`), 'rsyslog/retention'].map((file) =>
    join(deploy, file),
  );
  assert.equal(await checked(debianTool('shellcheck'), files), '');
});

test('the way to the database: HAProxy takes its configuration', async () => {
  const file = join(deploy, 'production', 'haproxy', 'haproxy.cfg');
  assert.match(await checked(debianTool('haproxy'), ['-c', '-f', file]), /Configuration file is valid/);
});

test('the database: MariaDB knows every setting of its node', async () => {
  const file = join(deploy, 'production', 'mariadb', 'galera.cnf');
  const said = await checked('/usr/sbin/mariadbd', [`--defaults-file=${file}`, '--verbose', '--help']);
  assert.match(said, /^wsrep-cluster-name +parley$/m);
  assert.doesNotMatch(said, /unknown variable|\[ERROR\]/);
});
