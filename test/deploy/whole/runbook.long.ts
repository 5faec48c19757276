import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ParleyServer, temporaryDirectory } from '../../../bench/targets/parley.ts';
import { table, tableRange } from '../../../services/adapters/embedded/keys.ts';
import { openLevel } from '../../../services/adapters/embedded/level.ts';
import { openOn } from '../../../services/adapters/mysql/testing/mysql-fixture.ts';
import { Tokens } from '../../../services/connection/token.ts';
import { systemClock } from '../../../services/core/clock.ts';
import {
  append,
  commit,
  conversation,
  createDirect,
  entry,
  log,
} from '../../../services/ports/message-store-conformance/samples.ts';
import { StoreError } from '../../../services/ports/message-store.ts';
import { until } from '../../e2e/support/until.ts';
import { GaleraCluster, type GaleraNode } from '../../engines/galera-cluster.ts';
import { askSql } from '../../engines/mariadb.ts';

/** Entries of the runbook (docs/operations.md) that no suite of faults walks: on real servers, by the commands that it names. */

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));

type Environment = Readonly<Record<string, string>>;

/** A data directory, a server on it at times, and commands for it. */
class Place implements AsyncDisposable {
  readonly dataDir: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(dataDir: string, stack: AsyncDisposableStack) {
    this.dataDir = dataDir;
    this.#stack = stack;
  }

  static async make(): Promise<Place> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await temporaryDirectory());
    return new Place(path.join(directory.path, 'data'), stack.move());
  }

  start(env: Environment = {}): Promise<ParleyServer> {
    return ParleyServer.start({ dataDir: this.dataDir, env });
  }

  /** What a command says, and how it ends. */
  parley(args: readonly string[], env: Environment = {}): Promise<{ code: number; said: string }> {
    const all = { ...process.env, PARLEY_DATA_DIR: this.dataDir, PARLEY_MODE: 'development', ...env };
    return new Promise((resolve) => {
      execFile(process.execPath, [main, ...args], { env: all }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, said: `${stdout}${stderr}` });
      });
    });
  }

  /** A start that is refused: what it says. */
  async refused(env: Environment = {}): Promise<string> {
    const ports = {
      PARLEY_HTTP_PORT: '0',
      PARLEY_WS_PORT: '0',
      PARLEY_GRPC_PORT: '0',
      PARLEY_METRICS_PORT: '0',
    };
    const { code, said } = await this.parley(['start'], { ...ports, ...env });
    assert.notEqual(code, 0, said);
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function say(server: ParleyServer, texts: number): Promise<void> {
  for (let no = 0; no < texts; no += 1)
    await server.call(
      'MessageService/Send',
      { send: { to: 'bob', clientId: `${randomBytes(8).toString('hex')}`, body: { text: `text ${no}` } } },
      'ann',
    );
}

describe('master keys', () => {
  it('are lost, and brought back', async () => {
    await using place = await Place.make();
    const file = path.join(place.dataDir, 'master.keys');
    {
      await using server = await place.start();
      await say(server, 5);
      await server.child.stop('SIGTERM');
    }
    await rename(file, `${file}.copy`);
    // One that is made up anew opens nothing.
    assert.match(await place.refused(), /master key 1 is not the one that the store is sealed with/);
    await rename(`${file}.copy`, file);
    assert.match((await place.parley(['check'])).said, /all is well/);
    await using server = await place.start();
    await say(server, 5);
  });

  it('are changed', async () => {
    await using place = await Place.make();
    const file = path.join(place.dataDir, 'master.keys');
    {
      await using server = await place.start();
      await say(server, 5);
      await server.child.stop('SIGTERM');
    }
    const old = await readFile(file, 'utf8');
    await writeFile(file, `${old}2 ${randomBytes(32).toString('hex')}\n`);
    {
      await using server = await place.start();
      await say(server, 5);
      await server.child.stop('SIGTERM');
    }
    assert.match((await place.parley(['check'])).said, /all is well/);
    await writeFile(file, old);
    assert.match(await place.refused(), /master key 2, which was not given/);
  });
});

describe('the token secret', () => {
  it('is changed, in peace and in a hurry', async () => {
    await using place = await Place.make();
    const [old, young] = ['o'.repeat(32), 'y'.repeat(32)];
    const tokenBy = async (secret: string) =>
      (await new Tokens([secret], systemClock).issueUser('ann', 600)).token;
    const [oldToken, youngToken] = [await tokenBy(old), await tokenBy(young)];
    const accepted = async (secrets: string): Promise<boolean[]> => {
      await using server = await place.start({ PARLEY_TOKEN_SECRET: secrets });
      const answers: boolean[] = [];
      for (const bearer of [oldToken, youngToken]) {
        const response = await fetch(`http://127.0.0.1:${server.ports.http}/api/v1/messages/send`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
          body: JSON.stringify({ to: 'bob', content: 'hello' }),
        });
        assert.ok(response.ok || response.status === 401, `${response.status}`);
        answers.push(response.ok);
      }
      await server.child.stop('SIGTERM');
      return answers;
    };
    assert.deepEqual(await accepted(old), [true, false]);
    assert.deepEqual(await accepted(`${young},${old}`), [true, true]);
    assert.deepEqual(await accepted(young), [false, true]);
  });
});

describe('a data directory', () => {
  it('is corrupt: found by a check, and restored', async () => {
    await using place = await Place.make();
    const backups = path.join(place.dataDir, '..', 'backups');
    await using server = await place.start();
    await say(server, 400);
    const { code, said } = await place.parley(['backup', backups]);
    assert.equal(code, 0, said);
    const [file] = said.split('  ');
    await server.child.stop('SIGTERM');
    // Opened once more, LevelDB has all of it in tables.
    assert.match((await place.parley(['check'])).said, /all is well/);
    const level = path.join(place.dataDir, 'store/leveldb');
    for (const name of (await readdir(level)).filter((each) => each.endsWith('.ldb'))) {
      const table = await open(path.join(level, name), 'r+');
      const { size } = await table.stat();
      for (let at = 100; at < size; at += 5_000) await table.write(randomBytes(200), 0, 200, at);
      await table.close();
    }
    const found = await place.parley(['check']);
    assert.equal(found.code, 1, found.said);
    assert.match(found.said, /problems|[Cc]orruption|can't be (read|opened)/);
    await rename(path.join(place.dataDir, 'store'), path.join(place.dataDir, 'store.corrupt'));
    const restored = await place.parley(['restore', file as string]);
    assert.equal(restored.code, 0, restored.said);
    assert.match((await place.parley(['check'])).said, /401 entries|400 entries/);
  });

  it('has lost an index: an export still has the entries, and an import builds it anew', async () => {
    await using place = await Place.make();
    await using server = await place.start();
    await say(server, 50);
    await server.child.stop('SIGTERM');
    const at = path.join(place.dataDir, 'store/leveldb');
    const level = await openLevel(at, { cacheBytes: 1 << 20, createIfMissing: false });
    for (const index of [table.places, table.msgId, table.clientKey]) await level.clear(tableRange(index));
    await level.close();
    const found = await place.parley(['check']);
    assert.equal(found.code, 1);
    assert.match(found.said, /index of msg ids|not found by/);
    const exported = path.join(place.dataDir, '..', 'export');
    assert.equal((await place.parley(['export', '--to', exported])).code, 0);
    await rename(path.join(place.dataDir, 'store'), path.join(place.dataDir, 'store.corrupt'));
    const imported = await place.parley(['import', '--from', exported]);
    assert.equal(imported.code, 0, imported.said);
    assert.match((await place.parley(['check'])).said, /50 entries\nall is well/);
  });

  it('is in use: a second process goes', async () => {
    await using place = await Place.make();
    await using server = await place.start();
    assert.match(await place.refused(), /store\/leveldb is in use by another process/);
    await say(server, 1);
  });

  it('is moved to another machine, with the machine lost', async () => {
    await using place = await Place.make();
    await using other = await Place.make();
    await using server = await place.start();
    await say(server, 50);
    const backups = path.join(place.dataDir, '..', 'backups');
    const [file] = (await place.parley(['backup', backups])).said.split('  ');
    await server.child.stop('SIGKILL');
    assert.match((await other.parley(['restore', file as string])).said, /master keys must be given/);
    await cp(path.join(place.dataDir, 'master.keys'), path.join(other.dataDir, 'master.keys'), {
      recursive: true,
    });
    assert.equal((await other.parley(['restore', file as string])).code, 0);
    await rm(place.dataDir, { recursive: true });
    await using successor = await other.start();
    await say(successor, 5);
    await successor.child.stop('SIGTERM');
    assert.match((await other.parley(['check'])).said, /55 entries\nall is well/);
  });
});

describe('Galera', () => {
  it('is split: the smaller part refuses, and is made the cluster by hand where the others are gone', async (t) => {
    await using cluster = await GaleraCluster.start();
    const [one, two, three] = cluster.nodes as readonly [GaleraNode, GaleraNode, GaleraNode];
    await askSql(one.port, 'CREATE DATABASE split');
    await using store = await openOn(one, 'split');
    const talk = conversation('d_talk');
    assert.deepEqual(await commit(store, createDirect(talk)), ['committed']);
    const status = async (name: string) => {
      const [row] = await askSql(one.port, `SHOW STATUS LIKE 'wsrep_${name}'`);
      return (row as { readonly Value: string }).Value;
    };
    const becomes = (value: string) =>
      until(
        async () => (await status('cluster_status').catch(() => '')) === value,
        () => `it never was ${value}`,
      );
    two.freeze();
    three.freeze();
    await becomes('non-Primary');
    const second = append(talk, [entry(2)]);
    await assert.rejects(commit(store, second), (error) => error instanceof StoreError);
    assert.equal(store.meters.accepting, 0);
    // Mended: by itself.
    two.thaw();
    three.thaw();
    await becomes('Primary');
    await until(
      async () => (await status('local_state_comment')) === 'Synced',
      () => 'it never was in step',
    );
    await until(
      async () => (await store.load([talk.convId]).catch(() => undefined)) !== undefined,
      () => 'nothing can be read',
    );
    const head = (await store.load([talk.convId]))[0]?.head.seq ?? 0;
    t.diagnostic(`head ${head} after the split was mended`);
    assert.deepEqual(await commit(store, append(talk, [entry(head + 1)])), ['committed']);
    // Gone for good: by hand.
    await two.kill();
    await three.kill();
    await becomes('non-Primary');
    await askSql(one.port, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
    await becomes('Primary');
    await until(
      async () =>
        (await commit(store, append(talk, [entry(head + 2)])).catch((): string[] => [])).includes(
          'committed',
        ),
      () => 'nothing is committed',
    );
    assert.equal((await log(store, talk)).length, head + 2);
    assert.equal(store.meters.accepting, 1);
  });
});
