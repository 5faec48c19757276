import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadVapidKeys } from '../push/providers/vapid-keys.ts';
import { runCli } from './run-cli.ts';
import { vapidKeysCommand } from './vapid-keys-command.ts';

async function run(...argv: string[]) {
  let out = '';
  let note = '';
  const io = { out: (text: string) => void (out += text), note: (text: string) => void (note += text) };
  return { code: await runCli(['vapid-keys', ...argv], [vapidKeysCommand()], io), out, note };
}

test('keys of Web Push go into a file as the server reads it, and never over another', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-vapid-'));
  const file = join(dataDir, 'vapid.json');
  const { code, out, note } = await run(file);
  assert.equal(code, 0);
  const config = { vapidKeys: file, vapidPublicKey: '', vapidPrivateKey: '' };
  const keys = await loadVapidKeys(config, { mode: 'production', dataDir });
  assert.ok(keys !== undefined && !(out + note).includes(keys.privateKey));
  assert.equal(out, `${keys.publicKey}\n`);
  assert.equal((await stat(file)).mode & 0o777, 0o600);

  const content = await readFile(file, 'utf8');
  const again = await run(file);
  assert.deepEqual([again.code, again.out], [1, '']);
  assert.match(again.note, /is there already/);
  assert.equal(await readFile(file, 'utf8'), content);
  await rm(dataDir, { recursive: true });
});

test('without a file they go to stdout', async () => {
  const { code, out } = await run();
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(JSON.parse(out) as object), ['publicKey', 'privateKey']);
});
