import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Tokens } from '../../../services/connection/token.ts';
import { systemClock } from '../../../services/core/clock.ts';
import { FcmService } from '../../../services/push/testing/fcm-service.ts';
import { dataStream } from '../../../scripts/log-search/index-template.ts';
import { ChatPage } from '../../e2e/support/chat-page.ts';
import { parley, ServerProcess } from '../../e2e/support/server-process.ts';
import { until } from '../../e2e/support/until.ts';
import { freePort } from '../../engines/free-port.ts';
import { NetNamespace } from '../../engines/net-namespace.ts';
import { askOpenSearch } from '../../engines/opensearch.ts';
import { PrometheusClient } from '../../engines/prometheus-client.ts';
import { Authority } from '../../helpers/certificates.ts';
import { most, panelQueries } from '../support/panels.ts';
import { ProductionRun } from '../support/production-run.ts';
import { browserThatTrusts, curl, type Door, TerminalUser } from '../support/production-users.ts';

const run = promisify(execFile);

/**
 * The whole shape of production, started by its one command: chatted with through the floating address from a browser, a
 * gRPC client and curl; the gateway that has the address is lost; a phone is pushed to; a log line is found by its trace;
 * dashboards are filled; an alert is told; a backup is restored; and all of it is stopped and started again.
 */

/** Not the usual one: somebody may look at production meanwhile. */
const net = '172.31.209';
/** Of the machine that the command runs on, the gateways together, who watches, the databases' one address, the logs. */
const numbers = { own: 1, database: 60, watch: 90, search: 95, floating: 100 } as const;
/** Prometheus asks every ten seconds, as in production. */
const rateSeconds = 40;
const lifeSeconds = 7_200;

/** The most entries of one page of a log. */
const pageEntries = 200;

/** What dashboards have no value for where all is well: who was turned away so, and nodes' own certificates. */
const unfilled: ReadonlySet<string> = new Set([
  'parley-sessions / Turned away, not understood / gRPC, {{reason}}',
  'parley-sessions / Turned away, not understood / frame, {{reason}}',
  // Gateways end TLS; theirs are another query of the panel.
  'parley-engines / Certificates end in / {{instance}}, {{listener}}',
]);

describe('npm run production', { skip: !NetNamespace.possible && 'needs root on Linux' }, () => {
  const stack = new AsyncDisposableStack();
  let directory = '';
  let production: ProductionRun;
  let google: FcmService;
  let env: Readonly<Record<string, string>>;
  let tokens: Tokens;
  let groupId = '';
  let page: ChatPage;
  let startedAt = 0;
  const floating = `${net}.${numbers.floating}`;
  const prometheus = new PrometheusClient(`http://${net}.${numbers.watch}:9090`);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-production-'));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    // The databases' user passes through.
    await chmod(directory, 0o755);
    const authority = stack.use(await Authority.make());
    const host = `${net}.${numbers.own}`;
    const { cert, key } = await authority.tls('google', { names: `IP:${host}` });
    google = stack.use(new FcmService().at({ host, port: await freePort(), cert, key }));
    const account = join(directory, 'account.json');
    await writeFile(account, google.credentials);
    env = {
      PARLEY_PUSH: 'true',
      PARLEY_PUSH_CA: authority.files('ca').cert,
      PARLEY_FCM_CREDENTIALS: account,
      PARLEY_FCM_URL: google.origin,
      PARLEY_TRACE_CLIENTS: 'all',
    };
    production = await ProductionRun.start({ directory, net, env });
    startedAt = Date.now() / 1_000;
    // Its address has been there since.
    await google.listen();
    const secret = await readFile(production.path('secrets', 'token-secret'), 'utf8');
    tokens = new Tokens([secret], systemClock);
    const made = await curl<{ group_id: string }>(await door('curl'), 'POST', '/groups', {
      name: 'everybody',
      members: ['browser', 'terminal'],
    });
    groupId = made.group_id;
    const browser = await browserThatTrusts(production.path('secrets', 'tls-cert.pem'));
    stack.defer(() => browser.close());
    const { token } = await door('browser');
    page = stack.use(await ChatPage.signIn(browser, `https://${floating}/`, 'browser', token));
    await page.open(groupId);
  });
  after(async () => {
    await production?.stop();
    await stack.disposeAsync();
  });

  async function door(user: string): Promise<Door> {
    const { token } = await tokens.issueUser(user, lifeSeconds);
    return { host: floating, authority: production.path('secrets', 'tls-cert.pem'), token };
  }

  async function send(content: string, headers: readonly string[] = []): Promise<void> {
    const message = { group_id: groupId, content, client_id: randomUUID() };
    await curl(await door('curl'), 'POST', '/messages/send', message, headers);
  }

  /** The group's whole log, by REST of a server. */
  async function logOf(ask: (path: string) => Promise<unknown>): Promise<readonly object[]> {
    const log: object[] = [];
    for (;;) {
      const path = `/conversations/${groupId}/messages?from_seq=${log.length + 1}&limit=${pageEntries}`;
      const { entries } = (await ask(path)) as { entries: readonly object[] };
      log.push(...entries);
      if (entries.length < pageEntries) return log;
    }
  }

  async function logByCurl(): Promise<readonly object[]> {
    const as = await door('curl');
    return logOf((path) => curl(as, 'GET', path));
  }

  /** Each of the three says something, and hears what the others say. */
  async function chat(occasion: string): Promise<void> {
    await using terminal = new TerminalUser(await door('terminal'), 'terminal', groupId);
    await page.say(`the browser, ${occasion}`);
    await page.shows(`the browser, ${occasion}`, 'sent');
    terminal.say(`the terminal, ${occasion}`);
    await send(`curl, ${occasion}`);
    for (const who of ['curl', 'the terminal']) await page.message(`${who}, ${occasion}`).waitFor();
    for (const who of ['curl', 'the browser']) await terminal.sees(`${who}, ${occasion}`);
    const told = JSON.stringify(await logByCurl());
    for (const who of ['curl', 'the terminal', 'the browser'])
      assert.ok(told.includes(`${who}, ${occasion}`), `what ${who} said is not in the log`);
  }

  async function owners(): Promise<string[]> {
    const found: string[] = [];
    for (const gateway of ['gateway-1', 'gateway-2']) {
      const { stdout } = await run('ip', ['-n', await production.namespace(gateway), 'addr']);
      if (stdout.includes(` ${floating}/`)) found.push(gateway);
    }
    return found;
  }

  test('a second one is refused, in the same place and in the same network', async () => {
    const there = await ProductionRun.refused({ directory, net });
    assert.deepEqual(
      [there.code, /it runs already in .*\(process \d+\)/.test(there.said)],
      [1, true],
      there.said,
    );
    const elsewhere = await mkdtemp(join(tmpdir(), 'parley-production-'));
    const beside = await ProductionRun.refused({ directory: elsewhere, net });
    assert.deepEqual([beside.code, /is in use here/.test(beside.said)], [1, true], beside.said);
    await rm(elsewhere, { recursive: true });
  });

  test('a browser, a terminal and curl chat through the floating address', { timeout: 120_000 }, () =>
    chat('in the beginning'),
  );

  test('and go on when the gateway that has the address is lost', { timeout: 240_000 }, async () => {
    let owning = await owners();
    await until(
      async () => (owning = await owners()).length === 1,
      () => `owners: ${owning.join()}`,
    );
    const [lost] = owning as [string];
    const namespace = await production.namespace(lost);
    const cable = /: (pl\w+)@/.exec((await run('ip', ['-n', namespace, 'link'])).stdout)?.[1] as string;
    const link = (state: 'up' | 'down') => run('ip', ['-n', namespace, 'link', 'set', cable, state]);
    await link('down');
    for (const program of ['nginx', 'keepalived'])
      process.kill(production.pid(`${lost}-${program}`), 'SIGKILL');
    const other = lost === 'gateway-1' ? 'gateway-2' : 'gateway-1';
    await until(
      async () => (await owners()).includes(other),
      () => production.said,
    );
    await chat('by the other gateway');
    await link('up');
    await until(
      async () => (await owners()).join() === other,
      () => 'the address is at both',
      60_000,
    );
  });

  test('a phone whose owner is away is pushed to', { timeout: 120_000 }, async () => {
    google.devices.add('a-phone');
    const target = { provider: 'fcm', token: 'a-phone' };
    const phone = { platform: 'android', name: 'phone', target };
    await curl(await door('terminal'), 'PUT', '/devices/phone', phone);
    await send('to a phone');
    await until(
      () => google.taken.length > 0,
      () => `Google was asked ${google.requests.length} times`,
      60_000,
    );
    const [push] = google.taken;
    assert.deepEqual([push?.token, push?.data['conv_id']], ['a-phone', groupId]);
  });

  test('a webhook and a line of the log are found by the trace of a message', {
    timeout: 180_000,
  }, async () => {
    const trace = randomBytes(16).toString('hex');
    await send('traced', [`traceparent: 00-${trace}-${randomBytes(8).toString('hex')}-01`]);
    await until(
      async () => JSON.stringify(await production.received('webhooks.log')).includes(trace),
      () => 'no webhook has the trace',
      60_000,
    );
    const search = { host: `${net}.${numbers.search}`, port: 9200 };
    const found = async () => {
      const query = { query: { query_string: { query: `trace.id:"${trace}"` } } };
      await askOpenSearch(search, 'POST', `/${dataStream}/_refresh`);
      const answer = await askOpenSearch(search, 'POST', `/${dataStream}/_search`, query);
      const { hits } = (answer as { hits: { hits: { _source: Record<string, unknown> }[] } }).hits;
      return hits.map(({ _source }) => _source);
    };
    await until(
      async () => (await found()).length > 0,
      () => 'no line has the trace',
      60_000,
    );
    const lines = await found();
    assert.ok(
      lines.some(
        (line) =>
          line['event.action'] === 'webhook-delivered' && /^p[12]$/.test(`${line['service.node.name']}`),
      ),
      JSON.stringify(lines),
    );
  });

  test('a message node hangs, which is told; it is killed, and comes back', {
    timeout: 420_000,
  }, async (t) => {
    const hanging = production.pid('m2');
    process.kill(hanging, 'SIGSTOP');
    try {
      const since = performance.now();
      const told = async () =>
        (await production.received('alerts.log')).filter((line) =>
          JSON.stringify(line).includes('ParleyNodeDown'),
        );
      for (let no = 0; (await told()).length === 0; no += 1) {
        assert.ok(performance.now() - since < 240_000, 'nobody was told');
        await send(`while a node hangs, ${no}`);
        await pause(1_000);
      }
      const [line] = await told();
      assert.ok(line !== undefined);
      const { alerts } = line['body'] as { alerts: { labels: Record<string, string>; status: string }[] };
      assert.deepEqual(
        [line['path'], alerts[0]?.labels['instance'], alerts[0]?.status],
        ['/ticket', 'm2', 'firing'],
      );
      t.diagnostic(`told after ${Math.round((performance.now() - since) / 1_000)} s`);
    } finally {
      process.kill(hanging, 'SIGKILL');
    }
    await until(
      () => production.pid('m2') !== hanging,
      () => production.said,
      60_000,
    );
    await until(
      async () =>
        (await prometheus.query('ALERTS{alertname="ParleyNodeDown", alertstate="firing"}')).length === 0,
      () => 'it still fires',
      60_000,
    );
    await chat('with all of its nodes');
  });

  test('everything is scraped, and the panels of dashboards are filled', { timeout: 240_000 }, async (t) => {
    for (let no = 0; no < 120; no += 1) {
      await send(`one of many, ${no}`);
      await pause(200);
    }
    await until(
      async () => (await prometheus.query('up == 0')).length === 0,
      () => 'somebody does not answer',
      60_000,
    );
    for (const up of ['mysql_up', 'redis_up', 'nginx_up', 'probe_success'])
      assert.ok(
        (await prometheus.query(up)).every(({ value }) => value === 1),
        up,
      );
    const now = Date.now() / 1_000;
    const empty: string[] = [];
    for (const query of panelQueries)
      if ((await most(prometheus, query, [startedAt, now], rateSeconds)) === undefined)
        empty.push(query.name);
    t.diagnostic(`${panelQueries.length} queries, ${empty.length} without a value: ${empty.join(', ')}`);
    assert.deepEqual(
      empty.filter((name) => !unfilled.has(name)),
      [],
    );
  });

  test('a backup is taken, and restored beside: the log is the same', { timeout: 240_000 }, async () => {
    const socket = /mariadb --socket (\S+) parley/.exec(production.said)?.[1] as string;
    const client = ['--no-defaults', `--socket=${socket}`];
    const before = await logByCurl();
    const file = production.path('parley.sql');
    const dump = spawn(
      'mariadb-dump',
      [...client, '--single-transaction', '--skip-lock-tables', '--hex-blob', 'parley'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const dumped = once(dump, 'exit');
    await pipeline(dump.stdout, createWriteStream(file));
    assert.deepEqual(await dumped, [0, null]);
    await send('after the backup');
    await run('mariadb', [
      ...client,
      '--execute',
      "CREATE DATABASE restored; GRANT ALL ON restored.* TO parley@'%'",
    ]);
    const load = spawn('mariadb', [...client, 'restored'], { stdio: ['pipe', 'inherit', 'inherit'] });
    const loaded = once(load, 'exit');
    await pipeline(createReadStream(file), load.stdin);
    assert.deepEqual(await loaded, [0, null]);
    const password = await readFile(production.path('secrets', 'mariadb-password'), 'utf8');
    const there = {
      PARLEY_MODE: 'production',
      PARLEY_MYSQL_URL: `mysql://parley:${password}@${net}.${numbers.database}:3306/restored`,
      PARLEY_MASTER_KEYS_FILE: production.path('secrets', 'master-keys'),
      PARLEY_TOKEN_SECRET_FILE: production.path('secrets', 'token-secret'),
      PARLEY_DATA_DIR: production.path('restored'),
    };
    await parley(['renew-epoch'], there);
    assert.match(await parley(['check'], there), /all is well/);
    await using server = await ServerProcess.start({
      env: { ...there, PARLEY_CLUSTER_TOKEN: 'c'.repeat(32) },
    });
    const { token } = await door('curl');
    const restored = await logOf(async (path) => {
      const response = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return response.json();
    });
    assert.ok(before.length > 100, `${before.length} entries`);
    assert.deepEqual(restored, before);
    await server.stop();
    await run('mariadb', [...client, '--execute', 'DROP DATABASE restored']);
  });

  test('stopped, nothing of it is left running; started again, all is there', {
    timeout: 480_000,
  }, async () => {
    const before = await logByCurl();
    const namespace = await production.namespace('m1');
    assert.equal(await production.stop(), 0, production.said);
    const { stdout: processes } = await run('ps', ['-eo', 'args']);
    assert.deepEqual(
      processes.split('\n').filter((line) => line.includes(directory)),
      [],
    );
    assert.ok(!existsSync(`/run/netns/${namespace}`));
    production = await ProductionRun.start({ directory, net, env });
    assert.deepEqual(await logByCurl(), before);
    await page.reload();
    await chat('again');
  });
});
