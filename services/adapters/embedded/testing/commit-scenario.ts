import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { firstKey } from '../../../ports/message-store-conformance/fixture.ts';
import {
  append,
  batch,
  conversation,
  createDirect,
  entry,
} from '../../../ports/message-store-conformance/samples.ts';
import { openEmbeddedStore } from '../embedded-store.ts';

/**
 * A process that commits to a data directory, one batch after another, each to two conversations, and writes a line to
 * standard output for each acknowledged one: `ack <batch id> <conv no>:<seq>:<msg id> …`. It ends after `--batches`,
 * unless a failpoint ends it before.
 */

const { values } = parseArgs({
  options: {
    directory: { type: 'string', default: '' },
    batches: { type: 'string', default: '10' },
    failpoints: { type: 'string', default: '' },
    'no-sync': { type: 'boolean', default: false },
    /** The descriptor of standard output takes the store's trace lines, too. */
    trace: { type: 'boolean', default: false },
  },
});

await using store = await openEmbeddedStore({
  directory: values.directory,
  masterKeys: [firstKey],
  reserveBytes: 4_096,
  failpoints: values.failpoints,
  unsafeNoSync: values['no-sync'],
  traceFd: values.trace ? 1 : undefined,
});

const talks = [conversation('d_one'), conversation('d_other')];
for (let seq = 1; seq <= Number(values.batches); seq++) {
  const commits = talks.map((talk) => (seq === 1 ? createDirect(talk) : append(talk, [entry(seq)])));
  const one = batch(store, ...commits);
  const outcomes = await store.commit(one);
  if (outcomes.some(({ t }) => t !== 'committed')) throw new Error(`outcomes ${JSON.stringify(outcomes)}`);
  const entries = commits.flatMap(({ convNo, entries: written }) =>
    written.map(({ seq: at, msgId }) => ` ${convNo}:${at}:${msgId}`),
  );
  writeSync(1, `ack ${one.batchId}${entries.join('')}\n`);
}
