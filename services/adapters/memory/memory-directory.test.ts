import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import {
  type DirectoryFixture,
  fixtureBytes,
  fixtureTimes,
} from '../../ports/directory-conformance/fixture.ts';
import { directoryConformance } from '../../ports/directory.conformance.ts';
import { MemoryDirectory } from './memory-directory.ts';

directoryConformance('the directory in the process', async () => {
  const place = await mkdtemp(join(tmpdir(), 'parley-directory-'));
  const open = () =>
    MemoryDirectory.open({
      clock: systemClock,
      revocationFile: join(place, 'revocations'),
      ...fixtureTimes,
      ...fixtureBytes,
    });
  let directory = await open();
  return {
    get directory() {
      return directory;
    },
    get other() {
      return directory;
    },
    async reopen() {
      await directory.close();
      directory = await open();
    },
    async [Symbol.asyncDispose]() {
      await directory.close();
      await rm(place, { recursive: true });
    },
  } satisfies DirectoryFixture;
});
