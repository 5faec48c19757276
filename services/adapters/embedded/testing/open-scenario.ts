import { firstKey } from '../../../ports/message-store-conformance/fixture.ts';
import { StoreError } from '../../../ports/message-store.ts';
import { openEmbeddedStore } from '../embedded-store.ts';

/** A process that tries to open the data directory named by its argument, and prints what it was told. */

const directory = process.argv[2] ?? '';
try {
  const store = await openEmbeddedStore({ directory, masterKeys: [firstKey] });
  await store.close();
  process.stdout.write('opened');
} catch (error) {
  process.stdout.write(error instanceof StoreError ? `${error.kind}: ${error.message}` : String(error));
}
