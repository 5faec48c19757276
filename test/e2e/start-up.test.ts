import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { freePort } from '../engines/free-port.ts';
import { JsonUser } from './support/json-user.ts';
import { NativeUser } from './support/native-user.ts';
import { RestUser } from './support/rest-user.ts';
import { parley, refusedStart, ServerProcess, temporaryDirectory } from './support/server-process.ts';
import { until } from './support/until.ts';

describe('stopping', () => {
  test('SIGTERM: sessions are asked to go, everything said till the end is kept, the exit code is 0', async () => {
    const ports = { http: await freePort(), ws: await freePort(), grpc: await freePort() };
    await using server = await ServerProcess.start({ ports, env: { PARLEY_DRAIN_MS: '2000' } });
    await using ann = await JsonUser.signIn('ann', ports.ws);
    await using bob = await NativeUser.signIn('bob', ports.grpc);
    await bob.open('lobby');
    const sent: string[] = [];
    const sending = setInterval(() => {
      sent.push(`number ${sent.length}`);
      bob.client.send('lobby', sent.at(-1) ?? '');
    }, 25);
    try {
      await until(
        () => bob.shown('lobby').length > 10,
        () => `${bob.shown('lobby').length} messages`,
      );
      const ending = server.stop();
      await ann.draining();
      // Whoever was not told yet, or takes the time, is still served.
      await ann.send('lobby', 'while it drains');
      const { code, signal, output } = await ending;
      assert.deepEqual([code, signal], [0, null], output);
      assert.match(output, /"message":"stopped"/);
      assert.equal((await ann.closed()).code, 4503);
      const before = sent.length;
      await until(
        () => sent.length > before + 3,
        () => 'bob writes on',
      );
    } finally {
      clearInterval(sending);
    }

    await server.start();
    await bob.reconnect();
    await until(
      () => bob.client.log('lobby').pending.length === 0,
      () => `bob still has ${bob.client.log('lobby').pending.length} to send`,
    );
    const store = await new RestUser('bob', server.pageUrl).history('lobby');
    assert.deepEqual(
      store.filter(({ sender }) => sender === 'bob').map(({ text }) => text),
      sent,
    );
    assert.deepEqual(
      store.filter(({ sender }) => sender === 'ann').map(({ text }) => text),
      ['while it drains'],
    );
    await until(
      async () => (await bob.history('lobby')).length === store.length,
      () => `bob has ${bob.shown('lobby').length} of ${store.length}`,
    );
    assert.deepEqual(bob.shown('lobby'), store);
  });
});

describe('starts that are refused say why, on one line', () => {
  test('a data directory that another process has open; that one goes on', async () => {
    await using server = await ServerProcess.start();
    const { code, output } = await refusedStart({ dataDir: server.dataDir });
    assert.equal(code, 1, output);
    assert.ok(
      complaints(output).some((line) => line.includes(server.dataDir)),
      output,
    );
    assert.match(output, /another process/);
    assert.doesNotMatch(output, /^\s+at /m);
    await new RestUser('ann', server.pageUrl).send('ann-and-friends', 'still here').catch((error: Error) => {
      // It answers; that there is no such group is another matter.
      assert.match(error.message, /conversationNotFound/);
    });
  });

  test('a port that is taken', async () => {
    await using server = await ServerProcess.start();
    for (const name of ['http', 'grpc'] as const) {
      const port = server.ports[name];
      const { code, output } = await refusedStart({ ports: { [name]: port } });
      assert.equal(code, 1, output);
      assert.match(output, new RegExp(`\\b${port}\\b`));
      assert.doesNotMatch(output, /^\s+at /m, `${name}: ${output}`);
    }
  });

  test('values that options do not take, each by the name of its variable', async () => {
    const { code, output } = await refusedStart({
      env: { PARLEY_GRPC_PORT: 'seventy', PARLEY_PAGE_BYTES: '3', PARLEY_LOG_LEVEL: 'loud' },
    });
    assert.equal(code, 1);
    assert.deepEqual(
      complaints(output)
        .map((line) => /PARLEY_\w+ must be/.exec(line)?.[0])
        .sort(),
      ['PARLEY_GRPC_PORT must be', 'PARLEY_LOG_LEVEL must be', 'PARLEY_PAGE_BYTES must be'],
    );
  });

  test('arguments that it does not know', async () => {
    for (const [args, expected] of [
      [['--roles', 'elephant'], /there is no role elephant/],
      [['--upstream', 'http://127.0.0.1:1'], /--upstream is for --roles bridge/],
    ] as const) {
      const { code, output } = await refusedStart({ args });
      assert.equal(code, 2, output);
      assert.match(output, expected);
    }
  });

  test('development mode that others could reach', async () => {
    const { code, output } = await refusedStart({ env: { PARLEY_HOST: '0.0.0.0' } });
    assert.equal(code, 1);
    assert.match(output, /PARLEY_HOST must be a loopback address/);
  });

  test('production without a secret; nothing is left behind', async () => {
    const dataDir = await temporaryDirectory();
    const { code, output } = await refusedStart({ dataDir, env: { PARLEY_MODE: 'production' } });
    assert.equal(code, 1);
    assert.match(output, /PARLEY_TOKEN_SECRET must be set in production/);
    assert.deepEqual(await readdir(dataDir), []);
    await rm(dataDir, { recursive: true });
  });
});

test('production with a secret: names alone are refused at every door, tokens from the command line are taken', async () => {
  const env = { PARLEY_MODE: 'production', PARLEY_TOKEN_SECRET: 'a secret of tests that is long enough' };
  await using server = await ServerProcess.start({ env });
  await assert.rejects(JsonUser.signIn('ann', server.ports.ws), /tokenMissing|developmentOnly/);
  await assert.rejects(new RestUser('ann', server.pageUrl).list('lobby'), /40[13]/);

  const token = await parley(['token', 'ann'], env);
  const authorization = { authorization: `Bearer ${token.trim()}` };
  const listed = await fetch(`${server.pageUrl}api/v1/conversations`, { headers: authorization });
  assert.equal(listed.status, 200);
  assert.deepEqual(((await listed.json()) as { conversations: unknown[] }).conversations, []);
});

/** The lines that are neither log nor blank. */
function complaints(output: string): string[] {
  return output.split('\n').filter((line) => line.startsWith('parley: '));
}
