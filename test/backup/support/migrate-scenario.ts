import { openLevel } from '../../../services/adapters/embedded/level.ts';
import { metaKey } from '../../../services/adapters/embedded/keys.ts';
import { type Migration, migrations, prepareSchema } from '../../../services/adapters/embedded/schema.ts';
import { KeyRing } from '../../../services/core/seal.ts';
import { firstKey } from '../../../services/ports/message-store-conformance/fixture.ts';

/**
 * A process that brings a store up to date and stands still in the middle of a step, to be killed there: the step from the
 * version that its second argument names. What it has put so far is in no batch that was written.
 */

const [directory = '', version = ''] = process.argv.slice(2);
const level = await openLevel(directory, { cacheBytes: 1 << 20, createIfMissing: false });

const stands: Migration = async (_level, batch) => {
  for (let row = 0; row < 1_000; row += 1) batch.put(metaKey(`half ${row}`), Buffer.alloc(100));
  process.stdout.write('in the middle\n');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
};

await prepareSchema(level, new KeyRing([firstKey]), [...migrations.slice(0, Number(version)), stands]);
