import assert from 'node:assert/strict';
import { existsSync, renameSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Directory, embeddedPlace, type Place } from '../../test/archive/support/stores.ts';
import { loadConfig } from '../core/config.ts';
import { givenMasterKeys, storeDirectory } from '../open-store.ts';
import { optionTables } from '../options.ts';
import { exportCommand, importCommand } from './archive-command.ts';
import { backupCommand, restoreCommand } from './backup-command.ts';
import { checkCommand } from './check-command.ts';
import { openByHand } from './open-by-hand.ts';
import { renewEpochCommand } from './renew-epoch-command.ts';
import { runCli } from './run-cli.ts';

const commands = [
  backupCommand,
  restoreCommand,
  exportCommand,
  importCommand,
  renewEpochCommand,
  checkCommand,
];

/** `atOut`: called as soon as a result is printed. */
async function run({ env }: Pick<Place, 'env'>, argv: readonly string[], atOut: () => void = () => {}) {
  let [out, note] = ['', ''];
  const io = {
    out: (text: string) => {
      out += text;
      atOut();
    },
    note: (text: string) => void (note += text),
  };
  const status = await runCli(
    argv,
    commands.map((command) => command(env)),
    io,
  );
  return { status, out, note };
}

async function recorded({ env }: Place): Promise<string[]> {
  const config = loadConfig(optionTables, env);
  const store = await openByHand(config, await givenMasterKeys(config));
  try {
    const page = await store.audit.page({ before: undefined, limit: 10, shelves: ['acts'] });
    return page.map(({ action, result }) => `${action} ${result}`);
  } finally {
    await store.close();
  }
}

/** Has a store out of reach from now on: nothing can be recorded there. */
function lose({ env }: Place): void {
  const directory = storeDirectory(loadConfig(optionTables, env));
  if (existsSync(directory)) renameSync(directory, `${directory} is away`);
}

describe('what is done to a store by hand', () => {
  it('is recorded there: a new epoch, a restore, an import', async () => {
    await using first = await embeddedPlace();
    await using second = await embeddedPlace();
    await using third = await embeddedPlace();
    await using files = await Directory.make();
    await (await first.open()).close();
    assert.equal((await run(first, ['renew-epoch'])).status, 0);
    assert.deepEqual(await recorded(first), ['store.renew-epoch done']);

    await run(first, ['backup', files.path]);
    const [backup = ''] = await readdir(files.path);
    assert.equal((await run(second, ['restore', join(files.path, backup)])).status, 0);
    assert.equal((await recorded(second))[0], 'store.restore done');

    await run(first, ['export', '--to', files.in('export')]);
    assert.equal((await run(third, ['import', '--from', files.in('export')])).status, 0);
    assert.deepEqual(await recorded(third), ['store.import done']);
  });

  it('opens what is there, and makes nothing: no store, no keys', async () => {
    await using place = await embeddedPlace();
    await using stray = await Directory.make();
    const { env } = place;
    const directory = storeDirectory(loadConfig(optionTables, env));
    // As a restore leaves it that failed.
    await mkdir(directory, { recursive: true });
    assert.equal((await run(place, ['renew-epoch'])).status, 1);
    assert.deepEqual(await readdir(directory), []);
    const elsewhere = { ...env, PARLEY_DATA_DIR: stray.in('typo'), PARLEY_MASTER_KEYS: '' };
    const { status, note } = await run({ env: elsewhere }, ['check']);
    assert.equal(status, 1);
    assert.match(note, /there is no store in/);
    assert.ok(!existsSync(stray.in('typo')));
  });

  it('is told, and said to be done, where it can not be recorded', async () => {
    await using first = await embeddedPlace();
    await using second = await embeddedPlace();
    await using third = await embeddedPlace();
    await using files = await Directory.make();
    await (await first.open()).close();
    await run(first, ['backup', files.path]);
    const [backup = ''] = await readdir(files.path);
    await run(first, ['export', '--to', files.in('export')]);
    const acts: [Place, string[]][] = [
      [second, ['restore', join(files.path, backup)]],
      [third, ['import', '--from', files.in('export')]],
    ];
    for (const [place, argv] of acts) {
      const { status, out, note } = await run(place, argv, () => lose(place));
      assert.match(out, /the epoch is now/);
      assert.match(note, /it is done, but could not be recorded in the audit log: there is no store/);
      assert.doesNotMatch(note, /nothing was carried out/);
      assert.equal(status, 1);
    }
  });
});
