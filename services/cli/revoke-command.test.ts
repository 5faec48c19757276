import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChatClient } from '../../sdk/client.ts';
import { MemoryStorage } from '../../sdk/storage-memory.ts';
import { WebSocketTransport } from '../../sdk/transport-websocket.ts';
import { until } from '../../test/e2e/support/until.ts';
import { TestServer } from '../../test/helpers/server.ts';
import { revokeCommand } from './revoke-command.ts';
import { runCli } from './run-cli.ts';

const secret = 's'.repeat(32);

async function run(...argv: string[]): Promise<{ readonly code: number; readonly note: string }> {
  return runWith({}, argv);
}

async function runWith(env: Readonly<Record<string, string>>, argv: readonly string[]) {
  let note = '';
  const io = { out: () => {}, note: (text: string) => void (note += text) };
  const command = revokeCommand({ PARLEY_TOKEN_SECRET: secret, ...env });
  return { code: await runCli(['revoke', ...argv], [command], io), note };
}

test('the sessions of a user end, or those of one device', async () => {
  await using server = await TestServer.start({ PARLEY_TOKEN_SECRET: secret });
  const address = `127.0.0.1:${server.ports.http}`;
  const client = createChatClient({
    transport: new WebSocketTransport({ url: `ws://${address}/ws` }),
    storage: new MemoryStorage(),
    userId: 'ada',
  });
  const come = (state: string) =>
    until(
      () => client.state.t === state,
      () => JSON.stringify(client.state),
    );
  client.start();
  try {
    await come('online');
    const other = await run('ada', '--device', 'no such device', '--server', `http://${address}`);
    assert.deepEqual([other.code, /ada on no such device/.test(other.note)], [0, true]);
    assert.equal(client.state.t, 'online');
    // As `parley admin` does, it knows the server, and shows the token, that the environment names.
    const env = { PARLEY_ADMIN_SERVER: `http://${address}`, PARLEY_ADMIN_TOKEN: 'forged' };
    const refused = await runWith(env, ['ada']);
    assert.deepEqual([refused.code, /token/.test(refused.note)], [1, true], refused.note);
    const { code, note } = await run('ada', '--server', `http://${address}/`);
    assert.equal(code, 0, note);
    assert.match(note, /^tokens of ada issued until now are revoked; kept until 2/);
    await come('ended');
  } finally {
    await client.close();
  }
});

test('what is wrong is named', async () => {
  const wrong: [string[], number, RegExp][] = [
    [[], 2, /revoke needs NAME/],
    [['a\nb'], 2, /control character/],
    [['ada', '--server', '127.0.0.1:9501'], 2, /--server must be like http:/],
    [['ada', '--server', 'http://127.0.0.1:1'], 1, /http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/],
  ];
  for (const [argv, code, expected] of wrong) {
    const result = await run(...argv);
    assert.match(result.note, expected);
    assert.equal(result.code, code, argv.join(' '));
  }
});
