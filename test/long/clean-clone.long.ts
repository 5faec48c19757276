import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { launchChromium } from '../../bridge/web/preview/testing.ts';
import { ChatPage } from '../e2e/support/chat-page.ts';
import { temporaryDirectory } from '../e2e/support/server-process.ts';

/** What the README promises to somebody who has nothing but a clone. The ports alone are other ones. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The environment of a shell that knows nothing of this checkout, its node included. */
const env: Record<string, string> = {
  PATH: (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .join(delimiter),
  HOME: process.env['HOME'] ?? '/',
  ...Object.fromEntries(['HTTP', 'WS', 'GRPC', 'METRICS'].map((name) => [`PARLEY_${name}_PORT`, '0'])),
};

test('a clean clone: the set-up command of the README, a first message in a browser, one from curl', async (t) => {
  const directory = await temporaryDirectory();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  await run('git', ['clone', '--quiet', root, directory]);
  const readme = await readFile(join(directory, 'README.md'), 'utf8');
  const commands = readme.match(/(?<=^```sh\n)[^]*?(?=\n```)/gmu) ?? [];
  const setUp = commands.filter((command) => command.includes('npm ci'));
  assert.deepEqual(setUp, ['npm ci && npm start', 'npm ci && npm test']);
  const fromCurl = commands.find((command) => command.startsWith('curl ')) ?? '';
  const { stdout: version } = await run('node', ['--version'], { env });

  const startedAtMs = performance.now();
  const child = spawn('sh', ['-c', setUp[0] ?? ''], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, to end all that it starts.
    detached: true,
  });
  const ended = once(child, 'close');
  stack.defer(async () => {
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGTERM');
    await ended;
  });
  const lines: string[] = [];
  const said = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const [url] = /(?<=Parley is at )http\S+/.exec(line) ?? [];
        if (url !== undefined) resolve(url);
      });
    child.once('exit', () => reject(new Error(`it did not start:\n${lines.join('\n')}`)));
  });
  const url = await said;
  const readyMs = performance.now() - startedAtMs;
  const browser = await launchChromium();
  stack.defer(() => browser.close());
  const ann = stack.use(await ChatPage.signIn(browser, url, 'ann'));
  await ann.open('lobby');
  await ann.say('the first message');
  await ann.shows('the first message', 'sent');
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  t.diagnostic(
    `node ${version.trim()} on the machine; ready after ${seconds(readyMs)} s, ` +
      `first message in a browser after ${seconds(performance.now() - startedAtMs)} s`,
  );

  const port = new URL(url).port;
  const { stdout } = await run('sh', ['-c', fromCurl.replace(':9501', `:${port}`)], { env });
  assert.equal((JSON.parse(stdout) as { code: number }).code, 200);
  await ann.message('hello from curl').waitFor();
  assert.deepEqual(ann.complaints, []);
});
