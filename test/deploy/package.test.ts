import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root } from '../../scripts/paths.ts';
import { mariaDb, redis } from '../engines/shared.ts';
import { JsonUser } from '../e2e/support/json-user.ts';
import { NativeUser } from '../e2e/support/native-user.ts';
import { RestUser } from '../e2e/support/rest-user.ts';
import { ServerProcess } from '../e2e/support/server-process.ts';
import { until } from '../e2e/support/until.ts';
import { InstalledPackage } from './support/installed-package.ts';

describe('the package, installed from its tarball into an empty directory', () => {
  let installed: InstalledPackage;
  before(async () => {
    installed = await InstalledPackage.install();
  });
  after(() => installed[Symbol.asyncDispose]());

  /** Its own page, not that of the checkout. */
  const ownPage = { PARLEY_WEB_DIR: '' };

  test('serves WebSocket, gRPC and the page, and stops cleanly', async () => {
    await using server = await ServerProcess.start({ program: installed.program, env: ownPage });
    await using ann = await JsonUser.signIn('ann', server.ports.ws);
    await using bob = await NativeUser.signIn('bob', server.ports.grpc);
    await bob.open('lobby');
    await ann.send('lobby', 'by WebSocket');
    bob.client.send('lobby', 'by gRPC');
    await until(
      () => bob.shown('lobby').length === 2 && bob.client.log('lobby').pending.length === 0,
      () => JSON.stringify(bob.shown('lobby')),
    );
    assert.deepEqual(
      bob.shown('lobby').map(({ sender, text }) => [sender, text]),
      [
        ['ann', 'by WebSocket'],
        ['bob', 'by gRPC'],
      ],
    );

    const page = await (await fetch(server.pageUrl)).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1];
    assert.ok(script !== undefined, page);
    const { status, headers } = await fetch(new URL(script, server.pageUrl));
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/javascript; charset=utf-8']);

    const { code, signal, output } = await server.stop();
    assert.deepEqual([code, signal], [0, null], output);
  });

  test('has the tables of MySQL, the thread that seals for it, and the scripts of Redis', async () => {
    await using schema = await mariaDb();
    await using keys = await redis();
    await using server = await ServerProcess.start({
      program: installed.program,
      env: {
        ...ownPage,
        PARLEY_MYSQL_URL: schema.url,
        PARLEY_REDIS_URL: keys.url,
        PARLEY_REDIS_PREFIX: keys.prefix,
        PARLEY_LINK_PORT: '0',
        PARLEY_CLUSTER_TOKEN: 'a token of tests that is long enough',
      },
    });
    const ann = new RestUser('ann', server.pageUrl);
    let groupId = '';
    let refusal: unknown;
    await until(
      async () => {
        // Roles of one process find each other in Redis, as others do.
        groupId = await ann.createGroup('ann and bob', ['bob']).catch((error: unknown) => {
          refusal = error;
          return '';
        });
        return groupId !== '';
      },
      () => String(refusal),
    );
    await ann.send(groupId, 'into the database');
    const texts = (await ann.list(groupId)).map(({ content }) => content);
    assert.deepEqual(texts, [undefined, 'into the database']);
    const { code, output } = await server.stop();
    assert.equal(code, 0, output);
  });

  test('npx starts it, and Ctrl-C ends it', async () => {
    const ports = Object.fromEntries(
      ['HTTP', 'WS', 'GRPC', 'METRICS'].map((name) => [`PARLEY_${name}_PORT`, '0']),
    );
    const child = spawn('npx', ['parley', 'start'], {
      cwd: installed.directory,
      env: { ...installed.env, PARLEY_MODE: 'development', ...ports },
      stdio: ['ignore', 'pipe', 'pipe'],
      // As a terminal does: the signal is for all of them.
      detached: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    const closed = once(child, 'close') as Promise<[number | null]>;
    try {
      await until(
        () => output.includes('Parley is at http://127.0.0.1:'),
        () => output,
      );
    } finally {
      process.kill(-(child.pid as number), 'SIGINT');
      await closed;
    }
    assert.match(output, /"message":"stopped"/);
    assert.ok(existsSync(join(installed.directory, 'data', 'store')), 'its data is where it was started');
  });

  test('where nothing is configured it is for trying; where anything is, production wants its secret', async () => {
    const { stdout } = await installed.run('npx', ['parley', 'token', 'ann']);
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    await assert.rejects(
      installed.run('npx', ['parley', 'start'], { PARLEY_DATA_DIR: './other' }),
      /PARLEY_TOKEN_SECRET must be set in production/,
    );
  });

  test('says in one line which Node it needs to one that is too old', async () => {
    await installed.write(
      'node-22.cjs',
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.22.0' } });`,
    );
    const started = installed.run('npx', ['parley', 'start'], { NODE_OPTIONS: '--require ./node-22.cjs' });
    await assert.rejects(started, ({ stderr }: { stderr: string }) => {
      const lines = stderr.split('\n').filter((line) => line.startsWith('parley: needs Node 24 or later'));
      assert.equal(lines.length, 1, stderr);
      assert.doesNotMatch(stderr, /^\s+at /m);
      return true;
    });
  });

  test('its client library talks, with types, by WebSocket and by gRPC', async () => {
    await installed.write('tsconfig.json', JSON.stringify(consumerOptions));
    await installed.write('consumer.mts', consumer);
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    await installed.run(tsc, ['-p', '.']).catch((error: { stdout: string }) => assert.fail(error.stdout));

    await using server = await ServerProcess.start({ program: installed.program, env: ownPage });
    const { ws, grpc } = server.ports;
    const { stdout } = await installed.run(process.execPath, ['consumer.mjs', String(ws), String(grpc)]);
    assert.equal(stdout, 'ann, by WebSocket\nbob, by gRPC\n');
  });
});

const consumerOptions = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom'],
    strict: true,
    types: [],
  },
  files: ['consumer.mts'],
};

/** Two people who talk in the lobby. */
const consumer = `
import { type ChatClient, createChatClient, MemoryStorage, WebSocketTransport } from 'parley/sdk';
import { GrpcTransport } from 'parley/sdk/grpc';
import { type Entry, EntrySchema } from 'parley/gen/parley/chat/v1/entry_pb.js';

declare const process: { argv: string[] };
const [, , ws, grpc] = process.argv;
const url = \`ws://127.0.0.1:\${ws}/\`;
const ann = open('ann', new WebSocketTransport({ url }));
const bob = open('bob', new GrpcTransport({ address: \`127.0.0.1:\${grpc}\` }));
const message: Entry | undefined = undefined;
if (message !== undefined || EntrySchema.typeName !== 'parley.chat.v1.Entry') throw new Error('not the contract');

await inLobby(ann);
await inLobby(bob);
ann.send('lobby', 'by WebSocket');
await heard(bob, 1);
bob.send('lobby', 'by gRPC');
await heard(ann, 2);
console.log(lines(ann).join('\\n'));
await Promise.all([ann.close(), bob.close()]);

function open(userId: string, transport: WebSocketTransport | GrpcTransport): ChatClient {
  const client = createChatClient({ userId, transport, storage: new MemoryStorage() });
  client.start();
  client.onLog('lobby', () => undefined);
  return client;
}

function lines(client: ChatClient): string[] {
  return client.log('lobby').items.flatMap(({ sender, content }) =>
    content.t === 'message' ? [\`\${sender}, \${content.body.content.value}\`] : [],
  );
}

async function inLobby(client: ChatClient): Promise<void> {
  while (!client.conversations.some(({ convId }) => convId === 'lobby')) await change(client);
}

async function heard(client: ChatClient, count: number): Promise<void> {
  while (lines(client).length < count) await change(client);
}

function change(client: ChatClient): Promise<void> {
  return new Promise((resolve) => {
    const stops = [client.onChange(done), client.onLog('lobby', done)];
    function done(): void {
      for (const stop of stops) stop();
      resolve();
    }
  });
}
`;
