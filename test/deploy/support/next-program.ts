import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../../scripts/paths.ts';

const parts = ['services', 'bridge', 'sdk', 'gen', 'package.json'];
const migrations = 'services/adapters/mysql/migrations';

/** What a program may add to tables while the one before it runs: tables, columns with a default, an index. */
const additions = (runsWith: number): string => `-- runs with: ${runsWith}

CREATE TABLE IF NOT EXISTS next_thing (id BIGINT UNSIGNED NOT NULL PRIMARY KEY) ENGINE = InnoDB;
ALTER TABLE conversation ADD COLUMN IF NOT EXISTS next_label VARBINARY(64) NULL;
ALTER TABLE message ADD COLUMN IF NOT EXISTS next_flags INT UNSIGNED NOT NULL DEFAULT 0;
ALTER TABLE conversation_member ADD COLUMN IF NOT EXISTS next_flags INT UNSIGNED NOT NULL DEFAULT 0 FIRST;
ALTER TABLE chat_group ADD COLUMN IF NOT EXISTS next_label VARBINARY(64) NULL AFTER conv_no;
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS next_flags INT UNSIGNED NOT NULL DEFAULT 0 FIRST;
ALTER TABLE worker_lease ADD COLUMN IF NOT EXISTS next_flags INT UNSIGNED NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS next_created ON message (conv_no, created_at);
`;

/** The version of tables that this checkout's program makes. */
export async function presentVersion(): Promise<number> {
  return (await readdir(path.join(root, migrations))).filter((name) => name.endsWith('.sql')).length;
}

/** A copy of this program that knows one version of the tables more: the program after this one. */
export async function nextProgram(): Promise<
  { readonly main: string; readonly version: number } & AsyncDisposable
> {
  const directory = await mkdtemp(path.join(tmpdir(), 'parley-next-'));
  for (const part of parts) await cp(path.join(root, part), path.join(directory, part), { recursive: true });
  await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
  const present = await presentVersion();
  const name = `${String(present + 1).padStart(4, '0')}-next.sql`;
  await writeFile(path.join(directory, migrations, name), additions(present));
  return {
    main: path.join(directory, 'services/main.ts'),
    version: present + 1,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
