import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { restoreDirectory } from '../../services/adapters/embedded/restore-directory.ts';
import { BackupEncoder } from '../../services/archive/backup-frames.ts';
import { askBackup } from '../../services/archive/ask-backup.ts';
import { askWord } from '../../services/archive/backup-door.ts';
import { readBackup } from '../../services/archive/backup-reader.ts';
import { surveyBackup } from '../../services/archive/restore-run.ts';
import type { MessageStore } from '../../services/ports/message-store.ts';
import { firstKey, secondKey } from '../../services/ports/message-store-conformance/fixture.ts';
import {
  append,
  clientKey,
  commit,
  conversation,
  createDirect,
  entry,
  log,
  type SampleConversation,
} from '../../services/ports/message-store-conformance/samples.ts';
import { fill } from '../archive/support/fill.ts';
import { command, Directory, embeddedPlace, type Place } from '../archive/support/stores.ts';
import { until } from '../e2e/support/until.ts';
import { Served } from './support/served.ts';

const quiet = { begin() {}, advance() {}, end() {} };
const small = { conversations: 30, entries: 9 };

async function backedUp(
  { env }: { readonly env: Readonly<Record<string, string>> },
  to: string,
  ...more: readonly string[]
): Promise<string> {
  const { code, out, note } = await command(env, 'backup', to, ...more);
  assert.equal(code, 0, note);
  const [file] = out.split('  ');
  assert.ok(file !== undefined);
  return file;
}

async function restored(to: Place, file: string): Promise<MessageStore> {
  const { code, out, note } = await command(to.env, 'restore', file);
  assert.equal(code, 0, note);
  assert.match(out, /the epoch is now [0-9a-f]{32}\n/);
  assert.match((await command(to.env, 'check')).out, /all is well/);
  return to.open();
}

/** The server hears that a backup was kept when the command is through. */
async function counted({ door }: Served, results: Readonly<Record<string, number>>): Promise<void> {
  await until(
    () => isDeepStrictEqual(Object.fromEntries(door.meters.results), results),
    () => JSON.stringify([...door.meters.results]),
  );
}

/** Writes to two conversations at once, again and again; each commit is in both or in neither. */
class Twins {
  readonly one: SampleConversation = conversation('d_one');
  readonly other: SampleConversation = conversation('d_other');
  readonly #store: MessageStore;
  /** Entries of each that are confirmed. */
  confirmed = 1;
  #ends = false;
  #writing: Promise<void> | undefined;

  constructor(store: MessageStore) {
    this.#store = store;
  }

  async begin(): Promise<void> {
    assert.deepEqual(await commit(this.#store, createDirect(this.one), createDirect(this.other)), [
      'committed',
      'committed',
    ]);
    this.#writing = this.#write();
  }

  async end(): Promise<void> {
    this.#ends = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (!this.#ends) {
      const seq = this.confirmed + 1;
      const of = (to: SampleConversation) => append(to, [entry(seq, { clientKey: clientKey(`${seq}`) })]);
      assert.deepEqual(await commit(this.#store, of(this.one), of(this.other)), ['committed', 'committed']);
      this.confirmed = seq;
    }
  }
}

describe('a backup of a store in use', () => {
  it('is one moment of it: what was confirmed before is in it, and no half of a commit', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start({ bytesPerSecond: 1_000_000 });
    await fill(served.store, { conversations: 300, entries: 20 });
    const twins = new Twins(served.store);
    await twins.begin();
    await until(
      () => twins.confirmed > 20,
      () => 'nothing is written',
    );
    const before = twins.confirmed;
    const file = await backedUp(served, directory.in('backups'));
    const after = twins.confirmed;
    await twins.end();
    assert.ok(after > before + 20, `${after - before} commits while the backup was taken`);
    const whole = await log(served.store, twins.one);
    await using place = await embeddedPlace();
    const store = await restored(place, file);
    try {
      const [one, other] = [await log(store, twins.one), await log(store, twins.other)];
      assert.equal(one.length, other.length);
      assert.ok(one.length >= before && one.length <= after, `${before} ≤ ${one.length} ≤ ${after}`);
      assert.deepEqual(one, whole.slice(0, one.length));
      assert.notEqual(store.epoch, served.store.epoch);
      // It goes on: a client key is known, and the next entry follows.
      const known = await store.findClientKeys(twins.one.convNo, [clientKey('2'), clientKey('no')]);
      assert.deepEqual(
        known.map(({ seq }) => seq),
        [2],
      );
      const next = append(twins.one, [entry(one.length + 1, { clientKey: clientKey('new') })]);
      assert.deepEqual(await commit(store, next), ['committed']);
    } finally {
      await store.close();
    }
    await counted(served, { kept: 1 });
    assert.ok(served.door.meters.lastKeptAtSeconds > 0);
    assert.equal(served.door.meters.bytes, (await stat(file)).size);
  });

  it('holds the reserved times of worker numbers', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const untilMs = Date.now() + 60_000;
    const { worker } = await served.store.leaseWorker('lost', Date.now(), untilMs);
    const file = await backedUp(served, directory.path);
    await using place = await embeddedPlace();
    const store = await restored(place, file);
    const next = await store.leaseWorker('new', untilMs - 1, untilMs + 1_000);
    await store.close();
    assert.notEqual(next.worker, worker);
  });

  it('has nothing in it that people wrote, and is for its owner alone, as the socket is', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const file = await backedUp(served, directory.in('backups'));
    const bytes = await readFile(file, 'latin1');
    assert.ok(bytes.length > 10_000);
    assert.ok(!bytes.includes('content 1') && !bytes.includes('1 2 1 2') && !bytes.includes('recalled'));
    assert.equal((await stat(file)).mode & 0o077, 0);
    assert.equal((await stat(directory.in('backups'))).mode & 0o077, 0);
    assert.equal((await stat(served.socket)).mode & 0o077, 0);
  });

  it('is refused while another one is under way, which goes on', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const first = await askBackup(served.socket);
    assert.ok(first !== undefined);
    const chunks = first.chunks[Symbol.asyncIterator]();
    assert.equal((await chunks.next()).done, false);
    const { code, note } = await command(served.env, 'backup', directory.path);
    assert.equal(code, 1);
    assert.match(note, /another backup of this store is under way/);
    assert.deepEqual(await readdir(directory.path), []);
    // The first one is given up; its snapshot goes with it.
    await first[Symbol.asyncDispose]();
    await until(
      () => served.door.meters.results.get('failed') === 1,
      () => 'nobody noticed that it was given up',
    );
    await backedUp(served, directory.path);
    await counted(served, { failed: 1, kept: 1, refused: 1 });
  });

  it('is refused to one who hangs up before they hear it, at no cost for others', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    await using _other = await served.store.backup();
    const socket = connect(served.socket);
    socket.write(askWord, () => socket.destroy());
    await counted(served, { refused: 1 });
    const { code, note } = await command(served.env, 'backup', directory.path);
    assert.equal(code, 1);
    assert.match(note, /another backup/);
  });

  it('ends with the server, and leaves no file', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start({ bytesPerSecond: 10_000 });
    await fill(served.store, { conversations: 300, entries: 20 });
    const taking = command(served.env, 'backup', directory.path);
    await until(
      () => served.door.meters.bytes > 0,
      () => 'it never began',
    );
    await served.door.stop();
    const { code, note } = await taking;
    assert.equal(code, 1);
    assert.match(note, /the backup is cut off: it has no end|ECONNRESET/);
    assert.deepEqual(await readdir(directory.path), []);
  });

  it('is for those who ask in its words', async () => {
    await using served = await Served.start();
    for (const words of ['GET / HTTP/1.1\r\n\r\n', 'x'.repeat(100_000)]) {
      const socket = connect(served.socket);
      let said = 0;
      socket.on('data', (part: Buffer) => {
        said += part.byteLength;
      });
      socket.on('error', () => {});
      socket.write(words);
      await new Promise((resolve) => socket.on('close', resolve));
      assert.equal(said, 0);
    }
    assert.equal(served.door.meters.results.size, 0);
  });
});

describe('a backup without a server', () => {
  it('is the same', async () => {
    await using directory = await Directory.make();
    await using source = await embeddedPlace();
    const store = await source.open();
    await fill(store, small);
    const to = conversation('d_talk');
    assert.deepEqual(await commit(store, createDirect(to)), ['committed']);
    const was = await log(store, to);
    await store.close();
    const file = await backedUp(source, directory.path);
    await using place = await embeddedPlace();
    const back = await restored(place, file);
    assert.deepEqual(await log(back, to), was);
    await back.close();
  });

  it('says so where there is nothing to be had, or where it is not for this', async () => {
    await using directory = await Directory.make();
    await using source = await embeddedPlace();
    const none = await command(source.env, 'backup', directory.path);
    assert.equal(none.code, 1);
    assert.match(none.note, /there is no store in/);
    const database = { ...source.env, PARLEY_MYSQL_URL: 'mysql://root@127.0.0.1:1/x' };
    assert.match((await command(database, 'backup', directory.path)).note, /backed up by its own programs/);
    assert.equal((await command(source.env, 'backup')).code, 2);
    assert.equal((await command(source.env, 'backup', directory.path, '--keep', '0')).code, 2);
    const store = await source.open();
    // In use, and no server that could be asked.
    assert.match((await command(source.env, 'backup', directory.path)).note, /in use by another process/);
    await store.close();
  });
});

describe('the directory of backups', () => {
  it('keeps as many as it is told to, and nothing of those that were killed long ago', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const old = '.parley-20200101T000000000Z.1.draft';
    const young = '.parley-20200101T000000001Z.1.draft';
    for (const name of [old, young, 'holiday.jpg', 'parley-notes.backup'])
      await writeFile(directory.in(name), '');
    await utimes(directory.in(old), 0, 0);
    const files: string[] = [];
    for (let no = 0; no < 4; no += 1) files.push(await backedUp(served, directory.path, '--keep', '2'));
    assert.equal(new Set(files).size, 4);
    const kept = files.slice(2).map((file) => path.basename(file));
    assert.deepEqual(
      new Set(await readdir(directory.path)),
      new Set([...kept, young, 'holiday.jpg', 'parley-notes.backup']),
    );
  });

  it('keeps the new one, whatever the clock said when the others were made', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const ahead = ['parley-29990101T000000000Z.backup', 'parley-29990102T000000000Z.backup'];
    for (const name of ahead) await writeFile(directory.in(name), '');
    const second = await backedUp(served, directory.path, '--keep', '2');
    assert.deepEqual((await readdir(directory.path)).toSorted(), [path.basename(second), ahead[1]]);
    const last = await backedUp(served, directory.path, '--keep', '1');
    assert.deepEqual(await readdir(directory.path), [path.basename(last)]);
  });
});

describe('a restore', () => {
  it('finds an altered byte wherever it is, and a file that is cut off', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, { conversations: 150, entries: 9 });
    const sound = await readFile(await backedUp(served, directory.path));
    await using place = await embeddedPlace();
    const file = directory.in('spoilt');
    const refused = async (bytes: Buffer, what: string) => {
      await writeFile(file, bytes);
      const check = await command(place.env, 'restore', file, '--check');
      assert.equal(check.code, 1, `${what} was not noticed`);
      assert.match(check.note, /damaged|cut off|no backup/, what);
      assert.equal((await command(place.env, 'restore', file)).note, check.note);
    };
    for (let no = 0; no < 60; no += 1) {
      const at = no < 20 ? no : randomInt(sound.byteLength);
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] as number) ^ (1 << randomInt(8));
      await refused(bytes, `byte ${at}`);
    }
    for (const length of [0, 7, 8, 12, randomInt(sound.byteLength), sound.byteLength - 1])
      await refused(sound.subarray(0, length), `${length} bytes of it`);
    await refused(Buffer.concat([sound, Buffer.of(0)]), 'a byte behind it');
    // Each frame has a checksum of its own; that one is missing, or in another's place, only the end tells.
    await writeFile(file, sound);
    const frames: Buffer[] = [];
    for await (const { raw } of readBackup(createReadStream(file))) frames.push(raw);
    assert.ok(frames.length > 5);
    const [first, second, third, ...rest] = frames as [Buffer, Buffer, Buffer, ...Buffer[]];
    await refused(Buffer.concat([first, third, ...rest]), 'a missing frame');
    await refused(Buffer.concat([first, third, second, ...rest]), 'frames in another order');
    assert.deepEqual(await readdir(place.env['PARLEY_DATA_DIR'] as string), []);
    await writeFile(file, sound);
    const { code, out } = await command(place.env, 'restore', file, '--check');
    assert.equal(code, 0);
    assert.match(out, /^whole: of \d{4}-.*rows, \d+ bytes, sha256 [0-9a-f]{64}\n$/);
  });

  it('wants a place without a store, and the keys of the lost one', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const file = await backedUp(served, directory.path);
    const running = await command(served.env, 'restore', file);
    assert.equal(running.code, 1);
    assert.match(running.note, /in use by another process/);
    await using full = await embeddedPlace();
    await (await full.open()).close();
    const taken = await command(full.env, 'restore', file);
    assert.equal(taken.code, 1);
    assert.match(taken.note, /there is a store in .* already: move it away/);
    await (await full.open()).close();
    // One that can't even be opened any more is somebody's last hope, too.
    const files = path.join(full.env['PARLEY_DATA_DIR'] as string, 'store', 'leveldb');
    for (const name of await readdir(files))
      if (name.startsWith('MANIFEST')) await rm(path.join(files, name));
    assert.match(
      (await command(full.env, 'restore', file)).note,
      /there is a store in .* already: move it away/,
    );
    await using place = await embeddedPlace();
    const other = Buffer.from(secondKey.key).toString('hex');
    const wrong: readonly [string, RegExp][] = [
      [`2:${other}`, /master key 1/],
      [`1:${other}`, /master key 1/],
      ['', /the master keys must be given/],
    ];
    for (const [keys, words] of wrong) {
      const { code, note } = await command({ ...place.env, PARLEY_MASTER_KEYS: keys }, 'restore', file);
      assert.equal(code, 1);
      assert.match(note, words);
      assert.deepEqual(await readdir(place.env['PARLEY_DATA_DIR'] as string), []);
    }
  });

  it('has the directory to itself: no server begins a store there meanwhile', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const file = await backedUp(served, directory.path);
    await using place = await embeddedPlace();
    const store = path.join(place.env['PARLEY_DATA_DIR'] as string, 'store');
    const { head } = await surveyBackup(file, quiet);
    const target = await restoreDirectory(store, head, [firstKey]);
    for await (const frame of readBackup(createReadStream(file))) {
      if (frame.t !== 'rows') continue;
      await target.write(frame.page);
      await assert.rejects(place.open(), /in use by another process/);
      assert.match((await command(place.env, 'restore', file)).note, /in use by another process/);
    }
    const epoch = await target.finish();
    await target[Symbol.asyncDispose]();
    const opened = await place.open();
    assert.equal(opened.epoch, epoch);
    await opened.close();
  });

  it('that was cut off leaves what nobody takes for a store, and is begun anew', async () => {
    await using directory = await Directory.make();
    await using served = await Served.start();
    await fill(served.store, small);
    const file = await backedUp(served, directory.path);
    await using place = await embeddedPlace();
    const dataDir = place.env['PARLEY_DATA_DIR'] as string;
    const store = path.join(dataDir, 'store');
    const { head } = await surveyBackup(file, quiet);
    const half = await restoreDirectory(store, head, [firstKey]);
    for await (const frame of readBackup(createReadStream(file)))
      if (frame.t === 'rows') {
        await half.write(frame.page);
        break;
      }
    // What one leaves that dies in its middle: as that, a copy of what it has made so far.
    await cp(store, directory.in('half'), { recursive: true });
    await half[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(dataDir), []);
    await cp(directory.in('half'), store, { recursive: true });
    const unfinished = /a restore into this store is not finished: give `parley restore` again/;
    await assert.rejects(place.open(), unfinished);
    assert.match((await command(place.env, 'check')).note, unfinished);
    const other = directory.in('other');
    assert.match((await command(place.env, 'backup', other)).note, unfinished);
    assert.match((await command(place.env, 'export', '--to', other)).note, unfinished);
    await (await restored(place, file)).close();
    assert.deepEqual(await readdir(dataDir), ['store']);
  });

  it('is refused to a program that does not know the layout, and to a clock that is behind', async () => {
    await using directory = await Directory.make();
    await using place = await embeddedPlace();
    const file = directory.in('made.backup');
    const made = async (head: { readonly layout: number; readonly createdAtMs: number }) => {
      const encoder = new BackupEncoder();
      const begun = encoder.head({ epoch: 'e', bytes: 0, ...head });
      await writeFile(file, Buffer.concat([begun, encoder.end()]));
      return (await command(place.env, 'restore', file)).note;
    };
    assert.match(
      await made({ layout: 99, createdAtMs: 1 }),
      /layout version 99, this program knows \d+: use a newer/,
    );
    assert.match(
      await made({ layout: 1, createdAtMs: Date.now() + 60_000 }),
      /the clock of this machine is wrong/,
    );
  });
});
