import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { loadKeyFile, loadOrCreateKeyFile, parseMasterKeys } from './key-file.ts';

async function directory(): Promise<{ readonly at: string } & AsyncDisposable> {
  const at = await mkdtemp(path.join(tmpdir(), 'parley-keys-'));
  return { at, [Symbol.asyncDispose]: () => rm(at, { recursive: true }) };
}

describe('the key file', () => {
  it('is made on first use, for the owner alone, and read ever after', async () => {
    await using dir = await directory();
    const file = path.join(dir.at, 'new', 'master.keys');
    assert.equal(await loadKeyFile(file), undefined);
    const made = await loadOrCreateKeyFile(file);
    assert.equal(made.length, 1);
    assert.equal(made[0]?.id, 1);
    assert.equal(made[0]?.key.byteLength, 32);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await loadOrCreateKeyFile(file), made);
    assert.match(await readFile(file, 'utf8'), /keep a copy elsewhere/);
  });

  it('holds another key each time it is made', async () => {
    await using dir = await directory();
    const [one, other] = await Promise.all(
      ['one', 'other'].map((name) => loadOrCreateKeyFile(path.join(dir.at, name))),
    );
    assert.notDeepEqual(one, other);
  });

  it('is one for all who make it at once', async () => {
    await using dir = await directory();
    const file = path.join(dir.at, 'master.keys');
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKeyFile(file)));
    for (const other of others) assert.deepEqual(other, first);
    assert.deepEqual(await readdir(dir.at), ['master.keys']);
  });

  it('is refused when others may read it', async () => {
    await using dir = await directory();
    const file = path.join(dir.at, 'master.keys');
    await loadOrCreateKeyFile(file);
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(file, mode);
      await assert.rejects(loadOrCreateKeyFile(file), { message: /may be read by others .*chmod 600/ });
    }
  });

  it('lists several keys', async () => {
    await using dir = await directory();
    const file = path.join(dir.at, 'master.keys');
    const text = `# kept since 2026\n\n1 ${'0a'.repeat(32)}\n  7   ${'FF'.repeat(32)}  \n`;
    await writeFile(file, text, { mode: 0o600 });
    const keys = await loadOrCreateKeyFile(file);
    assert.deepEqual(keys, [
      { id: 1, key: Buffer.alloc(32, 0x0a) },
      { id: 7, key: Buffer.alloc(32, 0xff) },
    ]);
  });

  it('says which line it can not read, without the line', () => {
    const secret = '0a'.repeat(31);
    for (const bad of [`1 ${secret}`, `one ${secret}0a`, secret, `0 ${secret}0a`]) {
      assert.throws(
        () => parseMasterKeys(`# ok\n${bad}\n`, 'the file'),
        (error: Error) => error.message.startsWith('the file line 2') && !error.message.includes(secret),
      );
    }
    const key = '0a'.repeat(32);
    assert.throws(() => parseMasterKeys(`1 ${key}\n1 ${key}`, 'the file'), /line 2: key 1 is there twice/);
    assert.throws(() => parseMasterKeys('# nothing\n', 'the file'), /holds no key/);
  });
});
