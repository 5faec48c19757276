import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { Manifest } from '../../services/archive/manifest.ts';
import { manifestName, readManifest } from '../../services/archive/manifest.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { StoreError } from '../../services/ports/message-store.ts';
import { secondKey } from '../../services/ports/message-store-conformance/fixture.ts';
import {
  append,
  clientKey,
  commit,
  createDirect,
  conversation,
  entry,
  log,
} from '../../services/ports/message-store-conformance/samples.ts';
import { fill } from './support/fill.ts';
import { halfImport } from './support/half-import.ts';
import { command, Directory, embeddedPlace, mySqlPlace, type Place, places } from './support/stores.ts';

const small = { conversations: 30, entries: 9 };
/** Many files, so that there is something between them. */
const manyParts = { PARLEY_EXPORT_PART_BYTES: '4096' };

async function filled(place: Place, size = small): Promise<Place> {
  const store = await place.open();
  await fill(store, size);
  await store.close();
  return place;
}

async function exported(from: Place, to: string): Promise<Manifest> {
  const { code, note } = await command({ ...from.env, ...manyParts }, 'export', '--to', to);
  assert.equal(code, 0, note);
  return readManifest(to);
}

async function imported(to: Place, from: string): Promise<void> {
  const { code, note } = await command(to.env, 'import', '--from', from);
  assert.equal(code, 0, note);
}

describe('an export', () => {
  it('goes from the embedded store into MySQL and back without a difference', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await using database = await mySqlPlace();
    await using back = await embeddedPlace();
    const first = await exported(source, directory.in('first'));
    await imported(database, directory.in('first'));
    const second = await exported(database, directory.in('second'));
    await imported(back, directory.in('second'));
    const third = await exported(back, directory.in('third'));
    assert.equal(first.tables.entry.rows, 300);
    assert.equal(first.tables.user?.rows, 26);
    assert.ok(first.parts.length > 5, 'it is of several files');
    assert.deepEqual(second.tables, first.tables);
    assert.deepEqual(third.tables, first.tables);
    assert.equal(new Set([first, second, third].map(({ store }) => store.epoch)).size, 3);
    for (const place of [database, back]) {
      const { code, out } = await command(place.env, 'check');
      assert.equal(code, 0, out);
      assert.match(out, /30 conversations, 300 entries\nall is well/);
    }
  });

  for (const [name, make] of Object.entries(places))
    it(`of ${name} is a store that goes on: the same logs, client keys known, ids that don't repeat`, async () => {
      await using directory = await Directory.make();
      await using source = await filled(await make());
      const before = await source.open();
      const to = await before.load([group1]);
      const was = await log(before, sampleOf(to));
      const lease = await before.leaseWorker('run', 1_000, Date.now() - 1);
      await before.close();
      await exported(source, directory.in('export'));
      await using target = await embeddedPlace();
      await imported(target, directory.in('export'));
      const after = await target.open();
      try {
        const sample = sampleOf(await after.load([group1]));
        assert.deepEqual(await log(after, sample), was);
        assert.notEqual(after.epoch, before.epoch);
        assert.deepEqual(Buffer.from(after.clientKeySecret), Buffer.from(before.clientKeySecret));
        const known = await after.findClientKeys(sample.convNo, [clientKey('1 2'), clientKey('no')]);
        assert.deepEqual(
          known.map(({ seq }) => seq),
          [2],
        );
        const [last] = was.slice(-1);
        const { seq, ord } = last!;
        assert.deepEqual(await commit(after, append(sample, [entry(seq + 1, { ord: ord + 1 })])), [
          'committed',
        ]);
        // The number that was held is not given out before its time is over.
        const next = await after.leaseWorker('another', lease.reservedUntilMs - 1, lease.reservedUntilMs + 9);
        assert.notEqual(next.worker, lease.worker);
      } finally {
        await after.close();
      }
    });

  it('of an empty store is one, too', async () => {
    await using directory = await Directory.make();
    await using source = await embeddedPlace();
    await (await source.open()).close();
    await using target = await mySqlPlace();
    assert.deepEqual((await exported(source, directory.in('export'))).parts, []);
    await imported(target, directory.in('export'));
    const store = await target.open();
    assert.deepEqual(await commit(store, createDirect(conversation('d_new'))), ['committed']);
    await store.close();
  });

  it('says so where there is nothing to export, or where it would go', async () => {
    await using directory = await Directory.make();
    for (const place of [await embeddedPlace(), await mySqlPlace()]) {
      await using source = place;
      const { code, note } = await command(source.env, 'export', '--to', directory.in('none'));
      assert.equal(code, 1);
      assert.match(note, /there is no store in/);
    }
    await using source = await filled(await embeddedPlace());
    await writeFile(directory.in('holiday.jpg'), 'x');
    const taken = await command(source.env, 'export', '--to', directory.path);
    assert.match(taken.note, /holds .*which belongs to no export/);
    await exported(source, directory.in('done'));
    assert.match((await command(source.env, 'export', '--to', directory.in('done'))).note, /finished export/);
    const withoutKeys = { ...source.env, PARLEY_MASTER_KEYS: '' };
    const noKeys = await command(withoutKeys, 'export', '--to', directory.in('more'));
    assert.match(noKeys.note, /the master keys must be given/);
    assert.equal((await command(source.env, 'export')).code, 2);
  });

  it('notices that the store was written to between the cut and the rest', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    const to = directory.in('export');
    await exported(source, to);
    // As if it had been cut off in the middle.
    await rm(path.join(to, manifestName));
    for (const name of (await readdir(to)).sort().slice(4)) await rm(path.join(to, name));
    const store = await source.open();
    const sample = sampleOf(await store.load([group1]));
    await store.raiseCursors([
      { convNo: sample.convNo, userId: 'user 1 é' as never, deliveredSeq: 10, readSeq: 10, readOrd: 9 },
    ]);
    await store.close();
    const { code, note } = await command({ ...source.env, ...manyParts }, 'export', '--to', to);
    assert.equal(code, 1);
    assert.match(note, /was written to while the export was under way, or cut off.*cursor/);
  });

  it('goes on only with an export of the same store', async () => {
    await using directory = await Directory.make();
    await using one = await filled(await embeddedPlace());
    await using other = await filled(await embeddedPlace());
    await exported(one, directory.in('export'));
    await rm(directory.in(`export/${manifestName}`));
    const { note } = await command(other.env, 'export', '--to', directory.in('export'));
    assert.match(note, /export of another store/);
  });
});

describe('an import', () => {
  it('wants an empty store, and may be said twice', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await exported(source, directory.in('export'));
    for (const make of Object.values(places)) {
      await using full = await filled(await make(), { conversations: 1, entries: 1 });
      const { code, note } = await command(full.env, 'import', '--from', directory.in('export'));
      assert.equal(code, 1);
      assert.match(note, /has conversations already: import into an empty one/);
      await using target = await make();
      // A server that ran on it before anybody wrote has told its clients an epoch.
      const young = await target.open();
      await young.close();
      await imported(target, directory.in('export'));
      const old = await target.open();
      assert.notEqual(old.epoch, young.epoch);
      await old.close();
      const again = await command(target.env, 'import', '--from', directory.in('export'));
      assert.equal(again.code, 0);
      assert.match(again.out, /imported before/);
    }
  });

  it('wants the keys of the source, and makes nothing without them', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await exported(source, directory.in('export'));
    await using target = await embeddedPlace();
    const other = Buffer.from(secondKey.key).toString('hex');
    const wrong: readonly [string, RegExp][] = [
      [`2:${other}`, /sealed with master key 1, which was not given/],
      [`1:${other}`, /master key 1 is not the one that the export is sealed with/],
      ['', /the master keys must be given/],
    ];
    for (const [keys, words] of wrong) {
      const env = { ...target.env, PARLEY_MASTER_KEYS: keys };
      const { code, note } = await command(env, 'import', '--from', directory.in('export'));
      assert.equal(code, 1);
      assert.match(note, words);
    }
    assert.deepEqual(await readdir(target.env['PARLEY_DATA_DIR'] as string), []);
    // More keys than the source had are no matter.
    const env = { ...target.env, PARLEY_MASTER_KEYS: `${target.env['PARLEY_MASTER_KEYS']},2:${other}` };
    assert.equal((await command(env, 'import', '--from', directory.in('export'))).code, 0);
  });

  it('finds an altered byte wherever it is, and a file that is cut off or missing', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await using target = await embeddedPlace();
    const sound = directory.in('sound');
    await exported(source, sound);
    const names = (await readdir(sound)).sort();
    const refused = async (spoil: (at: string) => Promise<unknown>, what: string) => {
      const at = directory.in('spoilt');
      await cp(sound, at, { recursive: true });
      await spoil(at);
      const { code, note } = await command(target.env, 'import', '--from', at);
      await rm(at, { recursive: true });
      assert.equal(code, 1, `${what} was not noticed`);
      assert.match(
        note,
        /damaged|checksum|cut off|can't be opened|another part|no part|no manifest|manifest says/,
      );
    };
    for (const name of [...names, ...names, ...names]) {
      const bytes = await readFile(path.join(sound, name));
      const at = randomInt(bytes.byteLength - 1);
      bytes[at] = (bytes[at] as number) ^ (1 << randomInt(8));
      await refused((to) => writeFile(path.join(to, name), bytes), `byte ${at} of ${name}`);
    }
    const [manifest, one, two] = names as [string, string, string];
    await refused((to) => truncate(path.join(to, one), 100), 'a file that is cut off');
    await refused((to) => rm(path.join(to, two)), 'a missing file');
    await refused((to) => cp(path.join(to, one), path.join(to, two)), 'a file in the place of another');
    await rm(path.join(sound, manifest));
    const { note } = await command(target.env, 'import', '--from', sound);
    assert.match(note, /no export, or one that is not finished/);
  });

  it('is not taken for a store before it is finished', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await exported(source, directory.in('export'));
    for (const make of Object.values(places)) {
      await using target = await make();
      await halfImport(target.env, directory.in('export'), 3);
      const { code, note } = await command(target.env, 'check');
      assert.equal(code, 1);
      assert.match(note, /an import into this .* is not finished/);
      await assert.rejects(
        target.open(),
        (error) => error instanceof StoreError && /not finished/.test(error.message),
      );
      await imported(target, directory.in('export'));
      assert.match((await command(target.env, 'check')).out, /all is well/);
    }
  });
});

describe('a store in use', () => {
  it('is neither exported nor filled: the embedded one is locked', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await embeddedPlace());
    await exported(source, directory.in('export'));
    const store = await source.open();
    for (const args of [
      ['export', '--to', directory.in('other')] as const,
      ['import', '--from', directory.in('export')] as const,
    ]) {
      const { code, note } = await command(source.env, ...args);
      assert.equal(code, 1);
      assert.match(note, /in use by another process|already/);
    }
    await store.close();
  });

  it('is neither exported nor filled: on MySQL a lease is renewed', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await mySqlPlace());
    const store = await source.open();
    const renew = () => store.leaseWorker('a server', Date.now(), Date.now() + 30_000);
    await renew();
    const renewing = setInterval(() => void renew(), 50);
    try {
      const { code, note } = await command(source.env, 'export', '--to', directory.in('export'));
      assert.equal(code, 1);
      assert.match(note, /waiting whether it has ended\n.*a server uses this database/s);
    } finally {
      clearInterval(renewing);
      await store.close();
    }
  });

  it('is waited for where its lease is all that is left', async () => {
    await using directory = await Directory.make();
    await using source = await filled(await mySqlPlace());
    const store = await source.open();
    await store.leaseWorker('a server', Date.now(), Date.now() + 700);
    await store.close();
    await exported(source, directory.in('export'));
  });
});

const group1 = 'group 1 – ü\u{1f331}' as ConvId;

function sampleOf(snapshots: Awaited<ReturnType<Awaited<ReturnType<Place['open']>>['load']>>) {
  const [snapshot] = snapshots;
  assert.ok(snapshot !== undefined);
  return { convNo: snapshot.convNo, convId: snapshot.convId };
}
