import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstKey, secondKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  commit,
  conversation,
  createDirect,
  createGroup,
  failsWith,
} from '../../ports/message-store-conformance/samples.ts';
import { StoreError } from '../../ports/message-store.ts';
import { checkDirectory } from './check-directory.ts';
import { metaKey } from './keys.ts';
import { type Migration, migrations, prepareSchema } from './schema.ts';
import { KeyRing } from '../../core/seal.ts';
import { syncFiles } from '../../core/sync-files.ts';
import { levelDirectory } from './store-thread.ts';
import { StoreDirectory } from './testing/store-directory.ts';

const says = (text: RegExp) => (error: unknown) => error instanceof StoreError && text.test(error.message);

describe('a data directory', () => {
  it('is refused to a second process, by name', async () => {
    await using directory = await StoreDirectory.make();
    await using store = await directory.open();
    // As a restore does before its last write.
    await syncFiles(path.join(directory.path, levelDirectory));
    const script = fileURLToPath(import.meta.resolve('./testing/open-scenario.ts'));
    const child = spawn(process.execPath, [script, directory.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    await once(child, 'close');
    assert.match(output, /^unavailable: .* in use by another process/);
    assert.ok(output.includes(directory.path));
    assert.deepEqual(await commit(store, createDirect(conversation('d_talk'))), ['committed']);
  });

  it('is refused to a second store of the same process', async () => {
    await using directory = await StoreDirectory.make();
    await using _store = await directory.open();
    await assert.rejects(directory.open(), says(/in use by another process/));
    await assert.rejects(checkDirectory(directory.path, [firstKey]), says(/in use by another process/));
  });

  it('that can not be made is refused with what the system says', async () => {
    await using directory = await StoreDirectory.make();
    await assert.rejects(directory.open({ directory: '/dev/null/store' }), /ENOTDIR/);
  });

  it('of a newer layout is refused', async () => {
    await using directory = await StoreDirectory.make();
    await (await directory.open()).close();
    const level = await directory.openLevel();
    await level.put(metaKey('schema_version'), Buffer.of(0, 0, 0, 99));
    await level.close();
    await assert.rejects(directory.open(), says(/layout version 99, this program knows 2/));
  });

  it('of an older layout is brought up to date, one atomic step at a time', async () => {
    await using directory = await StoreDirectory.make();
    await (await directory.open()).close();
    const ran: number[] = [];
    const mark =
      (step: number): Migration =>
      (_level, batch) => {
        ran.push(step);
        batch.put(metaKey(`step ${step}`), Buffer.of(step));
      };
    const fails: Migration = (_level, batch) => {
      batch.put(metaKey('half a step'), Buffer.of(1));
      throw new Error('no');
    };
    await using level = await directory.openLevel();
    const keys = new KeyRing([firstKey]);
    const before = await prepareSchema(level, keys);
    await assert.rejects(prepareSchema(level, keys, [...migrations, mark(2), fails]), /no/);
    const after = await prepareSchema(level, keys, [...migrations, mark(2), mark(3)]);
    assert.deepEqual(after, before);
    assert.deepEqual(ran, [2, 3], 'each step ran once');
    assert.deepEqual(level.getSync(metaKey('step 2')), Buffer.of(2));
    assert.equal(level.getSync(metaKey('half a step')), undefined);
  });

  it('can be checked while no server runs', async () => {
    await using directory = await StoreDirectory.make();
    await assert.rejects(checkDirectory(directory.path, [firstKey]), says(/there is no store/));
    const store = await directory.open();
    await commit(store, createDirect(conversation('d_talk')), createGroup(conversation('garden')));
    await store.close();
    let progress = 0;
    const report = await checkDirectory(directory.path, [firstKey], (entries) => {
      progress = entries;
    });
    assert.deepEqual(report, { conversations: 2, entries: 2, problems: [] });
    assert.equal(progress, 2);
    await assert.rejects(checkDirectory(directory.path, [secondKey]), failsWith('unavailable'));
  });

  it('has a store of its own: epoch and secrets are drawn for each', async () => {
    await using one = await StoreDirectory.make();
    await using other = await StoreDirectory.make();
    await using oneStore = await one.open();
    await using otherStore = await other.open();
    assert.notEqual(oneStore.epoch, otherStore.epoch);
    assert.notDeepEqual(oneStore.clientKeySecret, otherStore.clientKeySecret);
  });
});
