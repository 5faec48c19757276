import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { debianTool } from '../../../scripts/deploy-tools.ts';
import { dataStream } from '../../../scripts/log-search/index-template.ts';
import { searches } from '../../../scripts/log-search/searches.ts';
import { root } from '../../../scripts/paths.ts';
import { serviceTokenOf } from '../../cluster/support/tokens.ts';
import { LogFiles } from '../../cluster/support/log-files.ts';
import { until } from '../../e2e/support/until.ts';
import { Rsyslog } from '../../engines/rsyslog.ts';
import { FaultRun } from '../../faults/fault-run.ts';
import { SteppedClock } from '../../faults/stepped-clock.ts';
import { LogIndex, type Found } from '../support/log-index.ts';
import { LoggedCluster } from '../support/logged-cluster.ts';
import { deafness, refusals, silence, strangersAtWork } from '../support/troubles.ts';

const run = promisify(execFile);

/**
 * The logs of a real cluster under load, shipped by a real rsyslogd with the configuration of deploy/rsyslog into a real
 * OpenSearch with its template: every line arrives once, nothing is refused, and saved searches find what they are for.
 */

/** What all texts of the load have in them, and those of troubles. */
const contents = ['says number', 'let me in', 'xxxxxxxxxx'];
const shipsWithinMs = 180_000;

/** A value of a line by the whole name of its field. */
type Line = Readonly<Record<string, string | number | boolean | undefined>>;

const action =
  (...wanted: readonly string[]) =>
  (line: Line) =>
    wanted.includes(String(line['event.action']));
const level = (line: Line): string => String(line['log.level']);

/** What each search is for, said once more and in other words. */
const wanted: Readonly<Record<string, (line: Line) => boolean>> = {
  'refused-sends': (line) =>
    action('command-refused')(line) && /^send$|\/Send(Batch)?$/.test(String(line['parley.command'])),
  'refused-commands': action('command-refused'),
  'slow-commands': action('command-slow'),
  'slow-consumers': action('slow-consumer', 'slow-consumer-closed'),
  'refused-sign-ins': action('sign-in-refused'),
  'lost-fences': action('fence-lost'),
  'dead-letters': action('webhook-dead-letter', 'push-dead-letter'),
  trace: (line) => line['trace.id'] !== undefined,
  'administrative-acts': action('administrative-act'),
  failures: (line) =>
    level(line) === 'error' || (level(line) === 'warn' && line['error.message'] !== undefined),
  'starts-and-stops': action('ready', 'stopping', 'stopped', 'node-superseded'),
  'lost-nodes': action(
    'link-lost',
    'upstream-lost',
    'node-stalled',
    'directory-unavailable',
    'relay-failed',
    'lease-failed',
  ),
};

let site: LoggedCluster;
let load: FaultRun;

/** Resolves once as many lines are found as were written, and nothing is written any more. */
async function shipped(): Promise<string[]> {
  let lines: string[] = [];
  let found = 0;
  await until(
    async () => {
      [lines, found] = [await site.lines(), await site.index.count()];
      return found === lines.length && (await site.lines()).length === lines.length;
    },
    () => `${found} of ${lines.length} lines: ${site.shipper.output}`,
    shipsWithinMs,
  );
  return lines;
}

/** Somebody whose token is wrong, by a session and by a call. */
async function wrongTokens(): Promise<void> {
  const { cluster } = site.cluster;
  for (const edge of ['e1', 'b2']) {
    const response = await cluster.ask(edge, '/api/v1/conversations', 'no token at all');
    assert.equal(response.status, 401);
    const socket = new WebSocket(`ws://127.0.0.1:${cluster.get(edge).ports.http}/ws`, 'parley.v1.json');
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.addEventListener('open', () => {
      const hello = { token: 'no token at all', deviceId: 'd', protocolVersion: 1 };
      socket.send(JSON.stringify({ commands: [{ id: 1, hello }] }));
    });
    await closed;
  }
}

/** An administrator shuts somebody out. */
async function administration(): Promise<void> {
  const token = await serviceTokenOf('ops', ['admin', 'tokens']);
  const path = '/parley.chat.v1.AdminService/RevokeTokens';
  const response = await site.cluster.cluster.ask('e1', path, token, { userId: 'nobody' });
  assert.equal(response.status, 200, await response.text());
}

/** The database hangs for a moment in the middle of everything. */
async function frozenDatabase(): Promise<void> {
  site.cluster.database.freeze();
  await pause(1_500);
  site.cluster.database.thaw();
}

describe('logs of a cluster under load', () => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    site = stack.use(await LoggedCluster.start());
    load = stack.use(await FaultRun.create(site.cluster));
  });
  after(() => stack.disposeAsync());

  test('every line arrives, once, whatever happens to nodes, shipper and search engine', async (t) => {
    const { cluster, index, shipper } = site;
    await load.round(frozenDatabase);
    await load.round(async () => {
      await cluster.get('m2').kill();
      await cluster.get('m2').start();
    });
    await index.engine.stop();
    await load.round(async () => {
      await cluster.get('e1').kill();
      await cluster.get('e1').start();
    });
    await load.round(() => cluster.get('g2').drain());
    await index.engine.restart();
    await cluster.get('g2').start();
    await load.goesOn(1_000);
    await shipper.restart();
    await load.goesOn(1_000);
    await load.traffic.off();
    await refusals(site);
    await wrongTokens();
    await administration();
    await deafness(site);
    await silence(site);
    await strangersAtWork(site);
    const { findings } = await load.verdict();
    assert.deepEqual(findings, []);
    const lines = await shipped();
    t.diagnostic(`${load.traffic.sent} messages, ${lines.length} lines`);
    assert.ok(lines.length > 1_000, `${lines.length} lines`);
  });

  test('no line is refused, and no value is of another kind than its field', async () => {
    await assert.rejects(readFile(join(site.logs.directory, 'refused.json')), { code: 'ENOENT' });
    assert.equal(await site.index.malformed(), 0);
  });

  test('no line has a word of what anybody said', async () => {
    for (const line of await site.lines())
      for (const content of contents) assert.ok(!line.includes(content), line);
    for (const content of contents) assert.equal((await site.index.find(`"${content}"`)).total, 0, content);
  });

  for (const { id, query } of searches)
    test(`the saved search ${id} finds what it is for, and nothing else`, async (t) => {
      const lines = (await site.lines()).map((line) => JSON.parse(line) as Line);
      const expected = lines.filter(wanted[id] ?? assert.fail(`nobody says what ${id} is for`));
      const { total, lines: found } = await site.index.find(query);
      t.diagnostic(`${total} of ${lines.length} lines`);
      assert.equal(total, expected.length);
      assert.ok(total > 0, 'there is none');
      if (total > found.length) return;
      const texts = (some: readonly Found[]) => some.map((line) => JSON.stringify(line)).toSorted();
      assert.deepEqual(texts(found), texts(expected));
    });

  test('the trace of a message is found by its id, over the nodes that it went through', async () => {
    const lines = (await site.lines()).map((line) => JSON.parse(line) as Line);
    const nodes = new Map<string, Set<string>>();
    for (const line of lines) {
      const id = line['trace.id'];
      if (typeof id !== 'string') continue;
      nodes.set(id, (nodes.get(id) ?? new Set()).add(String(line['service.node.name'])));
    }
    const [id, passed] =
      [...nodes].find(([, { size }]) => size > 1) ?? assert.fail('no trace of several nodes');
    const { query } = searches.find((one) => one.id === 'trace') ?? assert.fail();
    const { lines: found } = await site.index.find(`${query} AND trace.id:"${id}"`);
    assert.deepEqual(new Set(found.map((line) => line['service.node.name'])), passed);
    assert.equal(found.length, lines.filter((line) => line['trace.id'] === id).length);
  });
});

describe('lines that a node would not write', () => {
  test('are told apart: text is kept as such, what no index takes is put aside', async () => {
    await using index = await LogIndex.start();
    await using logs = await LogFiles.open();
    await using _shipper = await Rsyslog.start({ logs: logs.directory, url: index.engine.url });
    const common = { '@timestamp': new Date().toISOString(), message: 'made up', 'service.name': 'parley' };
    const file = join(logs.directory, 'odd.log');
    const text = 'FATAL ERROR: "heap" \\ out of memory';
    await writeFile(
      file,
      [
        JSON.stringify(common),
        JSON.stringify({ ...common, 'parley.count': 'many' }),
        text,
        JSON.stringify({ ...common, 'parley.tls': 'perhaps' }),
        JSON.stringify({ ...common, 'parley.new': 1 }),
        '',
      ].join('\n'),
    );
    await until(
      async () => (await index.count()) === 3,
      () => 'they did not come',
    );
    const { lines } = await index.find(`file.path:"${file}"`);
    assert.deepEqual(
      lines.map((line) => [line['message'], line['log.level'], line['service.name']]),
      [[text, 'error', 'parley']],
    );
    assert.equal(await index.malformed(), 1, 'a number that is none');
    const refused = async () => (await readFile(join(logs.directory, 'refused.json'), 'utf8')).trimEnd();
    await until(
      async () => (await refused().catch(() => '')).split('\n').length === 2,
      () => 'what was refused is not kept',
    );
    const kept = (await refused()).split('\n').map(
      (line) =>
        JSON.parse(line) as {
          reason: { type: string };
          document: Record<string, unknown>;
        },
    );
    assert.deepEqual(
      new Set(kept.map(({ document }) => document['parley.tls'] ?? document['parley.new'])),
      new Set(['perhaps', 1]),
    );
    // A long line, such as one of an error with all its causes.
    await appendFile(file, `${JSON.stringify({ ...common, 'error.stack_trace': 'at '.repeat(20_000) })}\n`);
    await until(
      async () => (await index.count()) === 4,
      () => 'a long line did not come',
    );
  });
});

describe('files that are rotated', () => {
  test('are shipped on, before and after, and what was rotated is not read again', async () => {
    await using index = await LogIndex.start();
    await using logs = await LogFiles.open();
    await using _shipper = await Rsyslog.start({ logs: logs.directory, url: index.engine.url });
    const text = await readFile(join(root, 'deploy', 'rsyslog', 'logrotate'), 'utf8');
    const own = join(logs.directory, 'logrotate');
    await writeFile(own, text.replaceAll('/var/log/parley', logs.directory));
    const file = join(logs.directory, 'node.log');
    for (let rotations = 0; rotations < 3; rotations += 1) {
      const line = { '@timestamp': new Date().toISOString(), message: 'made up', 'parley.count': rotations };
      await appendFile(file, `${JSON.stringify(line)}\n`.repeat(500));
      await until(
        async () => (await index.count()) === 500 * (rotations + 1),
        () => 'they did not come',
      );
      await run(debianTool('logrotate'), ['--force', '--state', join(logs.directory, 'state'), own]);
      assert.equal((await stat(file)).size, 0);
    }
    const kept = await readdir(join(logs.directory, 'old'));
    assert.equal(kept.length, 3);
    assert.equal(await index.count(), 1_500);
  });
});

describe('a shipper that ends while the search engine is away', () => {
  for (const end of ['stop', 'kill'] as const)
    test(`(${end}) sends what it had in its hands once files are read again, and nothing twice`, async () => {
      await using index = await LogIndex.start();
      await using logs = await LogFiles.open();
      await using shipper = await Rsyslog.start({ logs: logs.directory, url: index.engine.url });
      const file = join(logs.directory, 'node.log');
      let written = 0;
      const write = async (lines: number) => {
        const common = { '@timestamp': new Date().toISOString(), message: 'made up' };
        const all = Array.from({ length: lines }, (_, no) =>
          JSON.stringify({ ...common, 'parley.count': no }),
        );
        await appendFile(file, `${all.join('\n')}\n`);
        written += lines;
      };
      const arrived = (lines: number) =>
        until(
          async () => (await index.count()) >= lines,
          () => `${lines} did not come`,
          shipsWithinMs,
        );
      await write(3_000);
      await arrived(3_000);
      await index.engine.stop();
      await write(3_000);
      await until(
        () => shipper.output.includes('Failed to connect'),
        () => `it has not noticed: ${shipper.output}`,
      );
      await shipper[end]();
      await write(1_000);
      await index.engine.restart();
      await shipper.forgetPlaces();
      await shipper.restart();
      await arrived(written);
      // What is sent twice would have come by the time that something later has.
      await write(1);
      await arrived(written);
      assert.equal(await index.count(), written);
    });
});

describe('retention', () => {
  test('deletes what is older than it says, and never what is written to', async () => {
    await using index = await LogIndex.start();
    const { engine } = index;
    const put = (day: number) =>
      engine.ask('POST', `/${dataStream}/_doc?refresh=true`, {
        '@timestamp': new Date().toISOString(),
        message: `day ${day}`,
      });
    const script = join(root, 'deploy', 'rsyslog', 'retention');
    await using clock = await SteppedClock.create();
    /** As it would be called so many days from now. */
    const keep = async (inDays: number, days: string) => {
      await clock.set(inDays * 86_400);
      const settings = { PARLEY_LOGS_URL: engine.url, PARLEY_LOGS_DAYS: days };
      return (await run(script, { env: { ...process.env, ...clock.env, ...settings } })).stdout;
    };
    const indices = async () => {
      const {
        data_streams: [stream],
      } = await engine.ask<{
        data_streams: { indices: { index_name: string }[] }[];
      }>('GET', `/_data_stream/${dataStream}`);
      return stream?.indices.length;
    };
    await put(1);
    await engine.ask('POST', `/${dataStream}/_rollover`);
    await put(2);
    await engine.ask('POST', `/${dataStream}/_rollover`);
    await put(3);
    assert.equal(await keep(29, '30'), '');
    assert.equal(await indices(), 3);
    assert.equal((await keep(31, '30')).split('\n').filter(Boolean).length, 2);
    assert.deepEqual([await indices(), await index.count()], [1, 1]);
    assert.equal(await keep(365, '30'), '', 'the newest one stays');
    await assert.rejects(keep(0, 'few'), { code: 2 });
  });
});

describe('the configuration', () => {
  test('rsyslogd takes it, beside that of Debian', async () => {
    await using logs = await LogFiles.open();
    const main = join(logs.directory, 'rsyslog.conf');
    const debian = await readFile('/etc/rsyslog.conf', 'utf8');
    const own = join(root, 'deploy', 'rsyslog', 'parley.conf');
    await writeFile(main, debian.replace(/^\$IncludeConfig .*$/m, `$IncludeConfig ${own}`));
    const checked = async () => {
      const { stderr } = await run('rsyslogd', ['-N1', '-f', main]);
      return stderr;
    };
    assert.doesNotMatch(await checked(), /error|warning/i);
    const wrong = join(logs.directory, 'wrong.conf');
    await writeFile(wrong, (await readFile(own, 'utf8')).replace('bulkMode', 'bulkMood'));
    await writeFile(main, debian.replace(/^\$IncludeConfig .*$/m, `$IncludeConfig ${wrong}`));
    await assert.rejects(checked(), /bulkmood/i);
  });
});
