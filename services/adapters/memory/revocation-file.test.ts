import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { UserId } from '../../core/ids.ts';
import { revocation } from '../../ports/directory-conformance/fixture.ts';
import { MemoryRevocations } from './revocations.ts';

/** Time that stands still until a test turns it. */
function fixedClock() {
  const clock = { nowMs: Date.now(), wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs };
  return clock;
}

async function place() {
  const directory = await mkdtemp(join(tmpdir(), 'parley-revocations-'));
  const clock = fixedClock();
  const file = join(directory, 'data', 'revocations');
  return {
    file,
    clock,
    open: () => MemoryRevocations.open(clock, file),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

const of = (id: string) => revocation({ userId: id as UserId });

test('the file is begun with the first revocation, for its owner’s eyes only', async () => {
  await using there = await place();
  const revocations = await there.open();
  await assert.rejects(stat(there.file), { code: 'ENOENT' });
  await revocations.revoke(of('ada'));
  assert.equal((await stat(there.file)).mode & 0o777, 0o600);
});

test('what a crash cut off is left out, and what follows it is kept', async () => {
  await using there = await place();
  const [ada, bob] = [of('ada'), of('bob')];
  await (await there.open()).revoke(ada);
  await appendFile(there.file, '["cyd","",17');
  const revocations = await there.open();
  assert.deepEqual(await revocations.of('cyd' as UserId), []);
  await revocations.revoke(bob);
  const again = await there.open();
  assert.deepEqual(await again.of(ada.userId), [ada]);
  assert.deepEqual(await again.of(bob.userId), [bob]);
});

test('a file that is not one of revocations is refused, with the line', async () => {
  await using there = await place();
  await (await there.open()).revoke(of('ada'));
  for (const line of ['nonsense', '{"user":"ada"}', '["ada","",1]', '[1,"",1,1]']) {
    await writeFile(there.file, `["ada","",1,2]\n${line}\n["bob","",1,2]\n`);
    await assert.rejects(there.open(), {
      name: 'DirectoryError',
      message: /line 2 of .*revocations can't be/,
    });
  }
});

test('I6: the file is written anew when most of it has ended', async () => {
  await using there = await place();
  const revocations = await there.open();
  const brief = { endsAtMs: there.clock.nowMs + 1_000 };
  for (let i = 0; i < 300; i++) {
    for (let j = 0; j < 5; j++) {
      await revocations.revoke(revocation({ userId: `user ${j}` as UserId, issuedUntilMs: i, ...brief }));
    }
  }
  const lines = (await readFile(there.file, 'utf8')).split('\n').length - 1;
  assert.ok(lines < 1_100, `${lines} lines`);
  const again = await there.open();
  for (let j = 0; j < 5; j++) {
    const standing = await again.of(`user ${j}` as UserId);
    assert.deepEqual(
      standing.map(({ issuedUntilMs }) => issuedUntilMs),
      [299],
    );
  }
});

test('revocations that ended make room, in memory and in the file', async () => {
  await using there = await place();
  const revocations = await there.open();
  await revocations.revoke(revocation({ endsAtMs: there.clock.nowMs + 1_000 }));
  there.clock.nowMs += 2_000;
  assert.deepEqual(await revocations.of('ada' as UserId), []);
  assert.deepEqual(await (await there.open()).of('ada' as UserId), []);
});
