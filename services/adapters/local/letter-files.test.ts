import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  deadLettersConformance,
  type DeadLettersFixture,
  sampleLetter,
} from '../../ports/dead-letters.conformance.ts';
import { LetterFiles } from './letter-files.ts';

async function open(limit: number): Promise<DeadLettersFixture & { readonly directory: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'parley-letters-'));
  const directory = join(parent, 'dead-letters');
  let letters = await LetterFiles.open({ directory, limit });
  return {
    directory,
    get letters() {
      return letters;
    },
    async reopen() {
      await letters.close();
      letters = await LetterFiles.open({ directory, limit });
    },
    async [Symbol.asyncDispose]() {
      await letters.close();
      await rm(parent, { recursive: true });
    },
  };
}

deadLettersConformance('a directory of files', open);

describe('files of dead letters', () => {
  it('are for their owner alone', async () => {
    await using fixture = await open(10);
    await fixture.letters.add(sampleLetter(1));
    const shelf = join(fixture.directory, 'app');
    const [name] = await readdir(shelf);
    for (const path of [fixture.directory, shelf, join(shelf, name as string)])
      assert.equal((await stat(path)).mode & 0o077, 0);
  });

  it('are not taken for letters before they are whole', async () => {
    await using fixture = await open(10);
    await fixture.letters.add(sampleLetter(1));
    await writeFile(join(fixture.directory, 'app', '01700000000000-msg_2.json.new'), '{"id":"msg_2');
    assert.deepEqual(await fixture.letters.list(10), [sampleLetter(1)]);
  });

  it('can not be written anywhere else by an id or an endpoint', async () => {
    await using fixture = await open(10);
    await assert.rejects(fixture.letters.add(sampleLetter(1, { id: '../../escape' })), RangeError);
    await assert.rejects(fixture.letters.add(sampleLetter(1, { endpoint: '..' })), RangeError);
  });

  it('are found where all endpoints had one directory, too, and removed there', async () => {
    await using fixture = await open(10);
    const [app, push] = [sampleLetter(1), sampleLetter(2, { endpoint: 'push.fcm' })];
    for (const letter of [app, push])
      await writeFile(
        join(fixture.directory, `0${letter.occurredAtMs}-${letter.id}.json`),
        JSON.stringify(letter),
      );
    await fixture.reopen();
    assert.deepEqual(await fixture.letters.list(10), [app, push]);
    assert.deepEqual((await readdir(fixture.directory)).sort(), ['app', 'push.fcm']);
    await fixture.letters.remove(push);
    assert.deepEqual(await fixture.letters.list(10), [app]);
  });
});
