import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import type { UserId } from '../../core/ids.ts';
import { silentLogger } from '../../core/log.ts';
import { DirectoryError, type Revocation } from '../../ports/directory.ts';
import { revocation } from '../../ports/directory-conformance/fixture.ts';
import { RevocationReturn } from './revocation-return.ts';

const standing = Array.from({ length: 1_000 }, (_, at) => revocation({ userId: `u${at}` as UserId }));
const names = (of: readonly Revocation[]): string[] => of.map(({ userId }) => userId);

/** Gives back to what a test answers for. */
function scene(write: (revocation: Revocation) => Promise<boolean>) {
  const written: Revocation[] = [];
  let waiting = 0;
  let most = 0;
  const given = new RevocationReturn({
    write: async (each) => {
      waiting += 1;
      most = Math.max(most, waiting);
      try {
        const lacked = await write(each);
        written.push(each);
        return lacked;
      } finally {
        waiting -= 1;
      }
    },
    random: () => 0,
    log: silentLogger,
  });
  return { written, given, most: () => most, all: (count: number) => all(written, count) };
}

function all(written: readonly Revocation[], count: number): Promise<void> {
  return until(
    () => written.length >= count,
    () => `${written.length} are written`,
  );
}

describe('revocations that are given back', () => {
  it('are all of them, the newest first, a part of them at once', async () => {
    for (const lacking of [true, false]) {
      const to = scene(async () => lacking);
      to.given.begin(standing);
      await to.all(standing.length);
      assert.deepEqual(names(to.written.slice(0, 200)), names(standing.slice(-200)));
      assert.deepEqual(new Set(names(to.written)), new Set(names(standing)));
      assert.ok(to.most() <= 200, `${to.most()} at once`);
      to.given.close();
    }
  });

  it('are given again where Redis was away meanwhile', async () => {
    let failing = 500;
    const to = scene(async () => {
      failing -= 1;
      if (failing > 0 && failing < 100) throw new DirectoryError('unavailable', 'away');
      return true;
    });
    to.given.begin(standing);
    await until(
      () => new Set(names(to.written)).size === standing.length,
      () => `${to.written.length} are written`,
    );
    to.given.close();
  });

  it('begin anew with another connection, and end when it is closed', async () => {
    const answers: (() => void)[] = [];
    const to = scene(() => new Promise((resolve) => answers.push(() => resolve(true))));
    to.given.begin(standing.slice(0, 200));
    to.given.begin(standing.slice(0, 300));
    for (const answer of answers.splice(0)) answer();
    await until(
      () => answers.length === 200,
      () => `${answers.length} are asked`,
    );
    to.given.close();
    for (const answer of answers.splice(0)) answer();
    await to.all(400);
    assert.deepEqual(names(to.written.slice(200)), names(standing.slice(100, 300)));
    assert.equal(answers.length, 0);
  });
});
