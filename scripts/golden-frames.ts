import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { currentGoldens } from '../test/golden/frames.ts';

/** Writes the golden frames anew. Only for changes of the wire that are meant: clients in the field hold the old ones. */
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
if (!values.write) {
  process.stderr.write(
    'This replaces test/golden/frames.json. Say --write if the wire is meant to change.\n',
  );
  process.exit(2);
}
const path = new URL('../test/golden/frames.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(currentGoldens(), undefined, 1)}\n`);
process.stdout.write('test/golden/frames.json written\n');
