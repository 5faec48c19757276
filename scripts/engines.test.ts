import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOf } from '../test/engines/process-table.ts';
import { askRedis } from '../test/engines/redis-server.ts';
import { until } from '../test/e2e/support/until.ts';

const script = fileURLToPath(new URL('engines.ts', import.meta.url));

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('npm run engines', () => {
  let directory = '';
  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'parley-engines-')), 'with space');
  });
  afterEach(async () => {
    await engines('stop');
    await rm(join(directory, '..'), { recursive: true });
  });

  function engines(...args: string[]): Promise<Said> {
    const argv = [script, '--directory', directory, ...args];
    return new Promise((resolve) => {
      execFile(process.execPath, argv, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  /** Of a line as it says what runs. */
  function running(said: Said): { readonly port: number; readonly pid: number } {
    const [, port, pid] = /:(\d+)\S*  \(process (\d+)\b/.exec(said.stdout) ?? [];
    assert.ok(port !== undefined && pid !== undefined, `${said.stdout}${said.stderr}`);
    return { port: Number(port), pid: Number(pid) };
  }

  it('starts each of them, and stops it', { timeout: 180_000 }, async () => {
    const started = await engines('start');
    assert.equal(started.code, 0, started.stderr);
    const status = await engines('status');
    assert.equal(status.stdout, started.stdout);
    const lines = started.stdout.trimEnd().split('\n');
    const pids = lines.map((line) => running({ ...started, stdout: line }).pid);
    assert.deepEqual(
      lines.map((line) => line.replace(/\d+\b/g, 'N').replace('N.N.N.N', 'HOST')),
      [
        'mariadb  mysql://root@HOST:N/parley  (process N)',
        'redis    redis://HOST:N  (process N)',
        'kafka    HOST:N  (process N)',
        'nginx    http://HOST:N  (process N)',
      ],
    );
    const stopped = await engines('stop');
    assert.match(stopped.stdout, /^(\w+ +stopped\n){4}$/);
    assert.deepEqual(pids.map(startOf), Array(4).fill(undefined));
  });

  it('says what runs already, and brings back what was killed, on the same port with the same data', async () => {
    const first = running(await engines('start', 'redis'));
    await askRedis(first.port, 'SET', 'key', 'value');
    const again = await engines('start', 'redis');
    assert.match(again.stdout, /ran already/);
    assert.deepEqual(running(again), first);
    await askRedis(first.port, 'SHUTDOWN', 'SAVE').catch(() => {});
    await until(
      () => startOf(first.pid) === undefined,
      () => 'Redis still runs',
    );
    assert.equal((await engines('status', 'redis')).stdout, 'redis    does not run\n');
    const back = running(await engines('start', 'redis'));
    assert.equal(back.port, first.port);
    assert.notEqual(back.pid, first.pid);
    assert.equal(await askRedis(back.port, 'GET', 'key'), 'value');
  });

  it('lets a process be that has the id of one that has ended', async () => {
    running(await engines('start', 'redis'));
    await engines('stop', 'redis');
    const file = join(directory, 'redis.json');
    const record = JSON.parse(await readFile(file, 'utf8')) as object;
    // This very process: it would not live to tell.
    await writeFile(file, JSON.stringify({ ...record, pid: process.pid, started: '1' }));
    assert.equal((await engines('stop', 'redis')).stdout, 'redis    did not run\n');
  });

  it('says so when somebody else has the port, and when it finds data that it did not make', async () => {
    const { port } = running(await engines('start', 'redis'));
    await engines('stop', 'redis');
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      const refused = await engines('start', 'redis');
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /redis: somebody else listens on its port \d+/);
    } finally {
      other.close();
    }
    await mkdir(join(directory, 'mariadb'));
    const refused = await engines('start', 'mariadb');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /mariadb is there already/);
  });

  it('shows why one did not start, and leaves it stopped', async () => {
    const refused = await engines('start', 'nginx', '--upstream', 'no-such-host.invalid:9501');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /nginx did not start[^]*host not found in upstream/);
    assert.equal((await engines('status', 'nginx')).stdout, 'nginx    does not run\n');
    running(await engines('start', 'nginx'));
  });

  for (const [args, why] of [
    [[], 'do what?'],
    [['go'], '"go" is not a command'],
    [['start', 'mysql'], 'there is no engine "mysql"'],
    [['start', 'nginx', '--upstream', '9501'], '--upstream wants HOST:PORT; it is "9501"'],
    [['start', '--port', '1'], "Unknown option '--port'"],
  ] as const)
    it(`refuses ${args.join(' ') || 'to guess'}`, async () => {
      const said = await engines(...args);
      assert.equal(said.code, 2);
      assert.ok(said.stderr.startsWith(`engines: ${why}`), said.stderr);
    });
});
