import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { askRedis } from './redis-server.ts';

const runTests = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));
const shared = new URL('shared.ts', import.meta.url).href;

/** A test file that says where its Redis is. */
const testFile = (report: string) => `
  import { writeFile } from 'node:fs/promises';
  import { test } from 'node:test';
  import { redis } from '${shared}';
  test('asks for Redis', async () => {
    await using keys = await redis();
    await writeFile('${report}', String(keys.port));
  });`;

it('one run of the tests has one engine for all its files, and ends it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-global-setup-'));
  try {
    const file = (name: string) => join(directory, name);
    for (const name of ['a', 'b']) await writeFile(file(`${name}.test.ts`), testFile(file(`${name}.port`)));
    // Neither this run's engines nor its way of reporting are for the other run.
    const { TEST_ENGINES_URL: _url, NODE_TEST_CONTEXT: _context, ...env } = process.env;
    await promisify(execFile)(process.execPath, [runTests, file('a.test.ts'), file('b.test.ts')], { env });
    const ports = await Promise.all(['a', 'b'].map((name) => readFile(file(`${name}.port`), 'utf8')));
    assert.equal(ports[0], ports[1]);
    await assert.rejects(askRedis(Number(ports[0]), 'PING'));
  } finally {
    await rm(directory, { recursive: true });
  }
});
