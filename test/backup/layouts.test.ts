import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { metaKey, table, tableRange } from '../../services/adapters/embedded/keys.ts';
import { type Level, openLevel } from '../../services/adapters/embedded/level.ts';
import { migrations } from '../../services/adapters/embedded/schema.ts';
import { readManifest } from '../../services/archive/manifest.ts';
import type { ConvId } from '../../services/core/ids.ts';
import {
  append,
  clientKey,
  commit,
  entry,
  log,
} from '../../services/ports/message-store-conformance/samples.ts';
import { command, Directory, embeddedPlace, type Place } from '../archive/support/stores.ts';

/**
 * A data directory that the last program of layout 1 wrote (its commit is the parent of 2f301cb), with what that
 * program's own export said of it.
 */
const former = fileURLToPath(new URL('./layout-1/', import.meta.url));
const scenario = fileURLToPath(new URL('./support/migrate-scenario.ts', import.meta.url));

async function formerPlace(): Promise<Place & { readonly level: string }> {
  const place = await embeddedPlace();
  const level = path.join(place.env['PARLEY_DATA_DIR'] as string, 'store/leveldb');
  await cp(path.join(former, 'leveldb'), level, { recursive: true });
  return { ...place, level };
}

async function lookInto<T>(at: string, look: (level: Level) => Promise<T>): Promise<T> {
  const level = await openLevel(at, { cacheBytes: 1 << 20, createIfMissing: false });
  try {
    return await look(level);
  } finally {
    await level.close();
  }
}

const version = (at: string) =>
  lookInto(at, async (level) => level.getSync(metaKey('schema_version'))?.readUInt32BE(0));

const rowsOf = (at: string, of: number) =>
  lookInto(at, async (level) => (await level.keys(tableRange(of as never)).all()).length);

/** All rows are there, and say what they said to the program that wrote them. */
async function assertWhole(place: Place): Promise<void> {
  await using directory = await Directory.make();
  const check = await command(place.env, 'check');
  assert.match(check.out, /12 conversations, 120 entries\nall is well/);
  const { code, note } = await command(place.env, 'export', '--to', directory.in('export'));
  assert.equal(code, 0, note);
  const { store, tables } = await readManifest(directory.in('export'));
  const expected = JSON.parse(await readFile(path.join(former, 'as-exported.json'), 'utf8')) as {
    readonly epoch: string;
    readonly tables: object;
  };
  assert.equal(store.epoch, expected.epoch);
  // Tables that came later are in no store of then.
  const { none, ...known } = Object.groupBy(Object.entries(tables), ([name]) =>
    Object.hasOwn(expected.tables, name) ? 'known' : 'none',
  );
  assert.deepEqual(Object.fromEntries(known.known ?? []), expected.tables);
  for (const [name, { rows }] of none ?? []) assert.equal(rows, 0, name);
}

describe('a data directory of layout 1', () => {
  it('is one', async () => {
    await using place = await formerPlace();
    assert.equal(await version(place.level), 1);
    assert.equal(await rowsOf(place.level, table.places), 0);
    assert.equal(await rowsOf(place.level, table.msgId), 120);
  });

  it('is brought up to date, and goes on', async () => {
    await using place = await formerPlace();
    await assertWhole(place);
    assert.equal(await version(place.level), migrations.length);
    const store = await place.open();
    const [snapshot] = await store.load(['group 1 – ü\u{1f331}' as ConvId]);
    assert.ok(snapshot !== undefined);
    const was = await log(store, snapshot);
    const last = was.at(-1);
    assert.ok(last !== undefined);
    const next = entry(last.seq + 1, {
      ord: last.ord + 1,
      msgId: last.msgId + 1_000_000n,
      clientKey: clientKey('new'),
    });
    assert.deepEqual(await commit(store, append(snapshot, [next])), ['committed']);
    // Entries of before and of now are found by their ids.
    for (const { msgId, seq } of [...was, next])
      assert.deepEqual(await store.locate(msgId), { convId: snapshot.convId, seq });
    const known = await store.findClientKeys(snapshot.convNo, [clientKey('1 2'), clientKey('new')]);
    assert.deepEqual(
      known.map(({ seq }) => seq),
      [2, next.seq],
    );
    await store.close();
    assert.match((await command(place.env, 'check')).out, /12 conversations, 121 entries\nall is well/);
    assert.equal(await rowsOf(place.level, table.places), 1);
  });

  it('goes on where it was killed in the middle of a step, whichever', async () => {
    for (let from = 1; from <= migrations.length; from += 1) {
      await using place = await formerPlace();
      const child = spawn(process.execPath, [scenario, place.level, `${from}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      assert.equal(await version(place.level), from, 'the steps before it are done, it is not begun');
      const half = await lookInto(place.level, async (level) => level.getSync(metaKey('half 0')));
      assert.equal(half, undefined);
      await assertWhole(place);
      assert.equal(await version(place.level), migrations.length);
    }
  });

  it('is backed up as it is, and restored up to date', async () => {
    await using directory = await Directory.make();
    await using place = await formerPlace();
    const { code, out, note } = await command(place.env, 'backup', directory.path);
    assert.equal(code, 0, note);
    assert.equal(await version(place.level), 1);
    await using back = await embeddedPlace();
    assert.equal((await command(back.env, 'restore', out.split('  ')[0] as string)).code, 0);
    assert.match((await command(back.env, 'check')).out, /12 conversations, 120 entries\nall is well/);
  });
});
