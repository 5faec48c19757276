import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadTokenSecrets } from '../connection/token-secrets.ts';
import { Tokens } from '../connection/token.ts';
import { systemClock } from '../core/clock.ts';
import { runCli } from './run-cli.ts';
import { tokenCommand } from './token-command.ts';

const secret = 's'.repeat(40);

async function fixture() {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-cli-'));
  const run = async (env: Record<string, string>, ...argv: string[]) => {
    let out = '';
    let note = '';
    const io = { out: (text: string) => void (out += text), note: (text: string) => void (note += text) };
    const whole = { PARLEY_DATA_DIR: dataDir, ...env };
    return { code: await runCli(['token', ...argv], [tokenCommand(whole)], io), out, note };
  };
  return { dataDir, run, [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }) };
}

test('a user’s token, alone on stdout', async () => {
  await using cli = await fixture();
  const before = Date.now();
  const { code, out, note } = await cli.run({ PARLEY_TOKEN_SECRET: secret }, 'alice', '--ttl', '2h');
  assert.equal(code, 0);
  assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assert.match(note, /^user alice, valid until 2/);
  const identity = await new Tokens([secret], systemClock).verify(out.trim());
  assert.equal(identity.kind === 'user' && identity.userId, 'alice');
  assert.ok(Math.abs(identity.expiresAtMs - before - 7_200_000) < 60_000);
});

test('a service’s token has the scopes that were asked for', async () => {
  await using cli = await fixture();
  const { out } = await cli.run(
    { PARLEY_TOKEN_SECRET: secret },
    'desk',
    '--service',
    '--scope',
    'send,act',
    '--scope=ids',
    '--ttl=365d',
  );
  const identity = await new Tokens([secret], systemClock).verify(out.trim());
  assert.deepEqual(identity.kind === 'service' && [identity.service, ...identity.scopes], [
    'desk',
    'send',
    'act',
    'ids',
  ]);
});

test('it signs with the secret of the development server on the same data', async () => {
  await using cli = await fixture();
  const { dataDir } = cli;
  const secrets = await loadTokenSecrets({ mode: 'development', secrets: [], dataDir });
  // The mode is not even told.
  const { out } = await cli.run({}, 'bob');
  assert.equal((await new Tokens(secrets, systemClock).verify(out.trim())).kind, 'user');
});

test('without a secret production refuses', async () => {
  await using cli = await fixture();
  const { code, out, note } = await cli.run({}, 'alice');
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(note, /PARLEY_TOKEN_SECRET must be set in production/);
});

test('what is wrong is named', async () => {
  await using cli = await fixture();
  const env = { PARLEY_TOKEN_SECRET: secret };
  const wrong: [string[], number, RegExp][] = [
    [[], 2, /token needs NAME/],
    [['a', 'b'], 2, /takes no further "b"/],
    [['a', '--ttl', '10'], 2, /--ttl must be a time from 60s to 30d, like 12h; it is 10/],
    [['a', '--ttl', '31d'], 2, /--ttl must be/],
    [['a', '--ttl', '1w'], 2, /--ttl must be/],
    [['a', '--ttl', '1h', '--ttl', '2h'], 2, /--ttl may be given once/],
    [['a', '--scope', 'send'], 2, /add --service/],
    [['a', '--service'], 2, /a service needs --scope/],
    [['a', '--service', '--scope', 'sned'], 2, /there is no scope sned; did you mean send\?/],
    [['a\nb'], 1, /control character/],
    [['a'.repeat(65)], 1, /longer than 64/],
  ];
  for (const [argv, code, expected] of wrong) {
    const result = await cli.run(env, ...argv);
    assert.equal(result.code, code, argv.join(' '));
    assert.match(result.note, expected);
    assert.equal(result.out, '');
  }
});
