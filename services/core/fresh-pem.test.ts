import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Authority } from '../../test/helpers/certificates.ts';
import { FreshPem } from './fresh-pem.ts';

test('a file is read as it is, or as it was last of use', async () => {
  await using authority = await Authority.make();
  await using another = await Authority.make();
  const { ca } = authority.files('any');
  const file = new FreshPem(ca);
  const first = file.current;
  assert.deepEqual(first, await readFile(ca));
  assert.equal(file.current, first, 'the same buffer');
  await writeFile(ca, 'half a certi');
  assert.equal(file.current, first);
  await rm(ca);
  assert.equal(file.current, first);
  const next = await readFile(another.files('any').ca);
  await writeFile(ca, next);
  assert.deepEqual(file.current, next);
  assert.throws(() => new FreshPem(`${ca}.none`), /ENOENT/);
});
