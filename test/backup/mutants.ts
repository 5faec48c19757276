import type { Mutant } from '../mutants.ts';

const tests = ['test/backup/backup.test.ts'];

/** Ways to break what is promised of backups; see test/mutants.ts. */
export const backupMutants: readonly Mutant[] = [
  {
    invariant: 'I1',
    how: 'backup: pages that miss a row',
    file: 'services/adapters/embedded/level-backup.ts',
    from: '    const rows = await this.#iterator.nextv(pageRows);\n',
    to: '    const rows = await this.#iterator.nextv(pageRows);\n    if (rows.length > 3) rows.pop();\n',
    tests,
  },
  {
    invariant: 'I1',
    how: 'backup: a checksum that nobody compares',
    file: 'services/archive/backup-reader.ts',
    from: 'payload.rows !== rows || !hash.digest().equals(payload.sha256)',
    to: 'payload.rows < 0',
    tests,
  },
  {
    invariant: 'I1',
    how: 'backup: what is behind its end does not matter',
    file: 'services/archive/backup-reader.ts',
    from: 'if (!(await source.ended()))',
    to: 'if (rows < 0)',
    tests,
  },
  {
    invariant: 'I4',
    how: 'backup: restored under its old epoch',
    file: 'services/adapters/embedded/restore-directory.ts',
    from: '    batch.put(metaKey(epochName), Buffer.from(epoch));\n',
    to: '',
    tests,
  },
  {
    invariant: 'I1',
    how: 'backup: restored over a store that is there',
    file: 'services/adapters/embedded/restore-directory.ts',
    from: 'if (!(await isEmpty(level)))',
    to: 'if (inTheWay === directory)',
    tests,
  },
  {
    invariant: 'I8',
    how: 'backup: for everybody to read',
    file: 'services/archive/keep-backup.ts',
    from: "open(draft, 'wx', 0o600)",
    to: "open(draft, 'wx', 0o644)",
    tests,
  },
  {
    invariant: 'I6',
    how: 'backup: several at once',
    file: 'services/adapters/embedded/store-thread.ts',
    from: "    if (this.#backup !== undefined)\n      throw new StoreError('unavailable', 'another backup of this store is under way');\n",
    to: '',
    tests,
  },
  {
    invariant: 'I6',
    how: 'backup: nothing old is removed',
    file: 'services/archive/keep-backup.ts',
    from: 'o.keep === undefined ?',
    to: 'o.keep !== null ?',
    tests,
  },
  {
    invariant: 'I1',
    how: 'upgrade: a newer database is taken for one that this program knows',
    file: 'services/adapters/mysql/schema.ts',
    from: 'if (Number(newest) === version && Number(oldest) <= names.length) return;',
    to: 'if (Number(oldest) <= names.length) return;',
    tests: ['services/adapters/mysql/open.test.ts'],
  },
];
