import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { LetterFiles } from '../adapters/local/letter-files.ts';
import { sampleLetter } from '../ports/dead-letters.conformance.ts';
import { LetterDesk, type Resend, replayMs } from './letter-desk.ts';

/** A desk over real files with letters 1 to `count`. */
async function desk({
  count,
  resend,
  attemptMs = 15_000,
}: {
  count: number;
  resend: Resend;
  attemptMs?: number;
}) {
  const directory = await mkdtemp(join(tmpdir(), 'parley-desk-'));
  const letters = await LetterFiles.open({ directory, limit: 100 });
  for (let no = 1; no <= count; no += 1) await letters.add(sampleLetter(no));
  return {
    desk: new LetterDesk({ letters, resend, attemptMs }),
    left: async () => (await letters.list(100)).map(({ id }) => id),
    async [Symbol.asyncDispose]() {
      await letters.close();
      await rm(directory, { recursive: true });
    },
  };
}

describe('the desk of dead letters', () => {
  it('sends letters again in the order in which they happened, and keeps what fails', async () => {
    const sent: string[] = [];
    const resend: Resend = async ({ id }) => {
      sent.push(id);
      return id === 'msg_2' ? 'status 500' : undefined;
    };
    await using at = await desk({ count: 4, resend });
    const ids = ['msg_3', 'msg_9', 'msg_2', 'msg_1'];
    assert.deepEqual(await at.desk.replay(ids), [
      { id: 'msg_3', delivered: true, problem: '' },
      { id: 'msg_9', delivered: false, problem: 'there is no such letter' },
      { id: 'msg_2', delivered: false, problem: 'status 500' },
      { id: 'msg_1', delivered: true, problem: '' },
    ]);
    assert.deepEqual(sent, ['msg_1', 'msg_2', 'msg_3']);
    assert.deepEqual(await at.left(), ['msg_2', 'msg_4']);
  });

  it('begins no attempt that could end after its caller has given up, but for the first', async () => {
    // So long may an attempt take that there is time for one.
    await using at = await desk({ count: 3, resend: async () => undefined, attemptMs: replayMs });
    const told = await at.desk.replay(['msg_1', 'msg_2']);
    assert.deepEqual(
      told.map(({ delivered, problem }) => [delivered, problem]),
      [
        [true, ''],
        [false, 'not tried: the time was over'],
      ],
    );
    assert.deepEqual(await at.left(), ['msg_2', 'msg_3']);
  });

  it('drops letters, and counts those that were there', async () => {
    await using at = await desk({ count: 3, resend: async () => undefined });
    assert.equal(await at.desk.drop(['msg_2', 'msg_9', 'msg_3']), 2);
    assert.deepEqual(await at.left(), ['msg_1']);
  });
});
