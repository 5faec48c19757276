import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverEnvironment } from '../../test/engines/child.ts';
import type { Machine, MachineName } from './machines.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const run = promisify(execFile);

/** Debian's user for MariaDB: who receives copies takes root's rights off. */
const user = 'mysql';
const as = ['setpriv', '--reuid', user, '--regid', user, '--init-groups', '--pdeathsig', 'TERM'];

/** What deploy/production/mariadb/galera.cnf takes of memory and disk, and what does for three nodes of one machine. */
const sizes = [
  ['innodb_buffer_pool_size = 512M', 'innodb_buffer_pool_size = 128M'],
  ['gcache.size=512M', 'gcache.size=64M'],
] as const;
/** Commits that are under way are finished before it ends. */
const stopWithinMs = 120_000;

/** One of the three databases that commit together. */
export class Database {
  readonly program: Program;
  readonly #place: Place;
  readonly #machine: Machine;
  readonly #directory: string;

  constructor(place: Place, name: MachineName) {
    this.#place = place;
    this.#machine = place.machines.get(name);
    this.#directory = join(place.directory, name);
    const [command, ...args] = [...this.#machine.command, ...as, ...this.#mariadbd] as [string, ...string[]];
    this.program = place.program(
      name,
      {
        name: 'mariadb',
        directory: this.#directory,
        command,
        args,
        configure: () => this.#configure(),
        // One that is not part of the majority, or is still copying, is not synced.
        ask: async () => {
          const told = await this.sql("SHOW STATUS LIKE 'wsrep_local_state_comment'");
          if (!told.includes('Synced')) throw new Error(`the node is ${told.trim().split('\t')[1]}`);
        },
      },
      { stopWithinMs },
    );
  }

  /** Where root may do everything. */
  get socket(): string {
    return join(this.#place.run, this.#machine.name, 'mariadb.sock');
  }

  /** What the client of MariaDB answers. */
  async sql(text: string): Promise<string> {
    const { stdout } = await run('mariadb', [
      '--no-defaults',
      ...['--socket', this.socket, '--skip-column-names', '--batch', '--connect-timeout=2'],
      ...['--execute', text],
    ]);
    return stdout;
  }

  /** What Galera wrote down of it when it was last stopped, or `undefined` where it never ran. */
  async state(): Promise<{ readonly last: boolean; readonly seqno: number } | undefined> {
    const text = await readFile(this.#state, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const seqno = Number(/^seqno:\s*(-?\d+)/m.exec(text)?.[1]);
    return { last: /^safe_to_bootstrap: 1/m.test(text), seqno };
  }

  /** How far it had come when it was killed, as its log of transactions has it; -1 where that is not to be known. */
  async recovered(): Promise<number> {
    await this.#configure();
    const [program, ...args] = [...this.#machine.command, ...as, ...this.#mariadbd, '--wsrep-recover'];
    // One that was killed while it copied has nothing to tell, and fails.
    const { stderr } = await run(program as string, args, { env: serverEnvironment }).catch(
      (error: unknown) => error as { readonly stderr: string },
    );
    return Number(/Recovered position: [\w-]+:(-?\d+)/.exec(stderr)?.[1] ?? -1);
  }

  /** Says that this one was written to last. */
  async vouch(): Promise<void> {
    const text = await readFile(this.#state, 'utf8');
    await writeFile(this.#state, text.replace(/^safe_to_bootstrap: 0/m, 'safe_to_bootstrap: 1'));
  }

  /** Makes its first tables: the others copy them. */
  async install(): Promise<void> {
    await this.#configure();
    if (await exists(join(this.#data, 'mysql'))) return;
    await run(
      'mariadb-install-db',
      [
        ...['--no-defaults', `--user=${user}`, `--datadir=${this.#data}`, '--skip-test-db'],
        ...['--auth-root-authentication-method=socket', '--auth-root-socket-user=root'],
      ],
      { env: serverEnvironment },
    );
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  get #state(): string {
    return join(this.#data, 'grastate.dat');
  }

  get #mariadbd(): string[] {
    return ['mariadbd', `--defaults-file=${join(this.#directory, 'galera.cnf')}`];
  }

  async #configure(): Promise<void> {
    const { uid, gid } = await ids();
    for (const directory of [this.#data, join(this.#place.run, this.#machine.name)]) {
      await mkdir(directory, { recursive: true });
      await chown(directory, uid, gid);
    }
    const { composition, secrets } = this.#place;
    let deployed = composition.file('production/mariadb/galera.cnf');
    for (const [from, to] of sizes) deployed = deployed.replace(from, to);
    const password = await readFile(join(secrets, 'mariadb-sst-password'), 'utf8');
    const file = join(this.#directory, 'galera.cnf');
    await writeFile(file, `${deployed}\n${this.#own(password)}`);
    await chown(file, uid, gid);
    await chmod(file, 0o600);
  }

  /** As deploy/production/mariadb/start.sh and the paths of the image have it. */
  #own(password: string): string {
    return [
      '[mariadb]',
      `datadir = ${this.#data}`,
      `socket = ${this.socket}`,
      `pid_file = ${join(this.#place.run, this.#machine.name, 'mariadb.pid')}`,
      '[galera]',
      `wsrep_node_name = ${this.#machine.name}`,
      `wsrep_node_address = ${this.#machine.address}`,
      `wsrep_sst_auth = sst:${password}`,
      '',
    ].join('\n');
  }
}

/**
 * Starts the databases one after the other, so that the first is not copied from twice at a time, and resolves once all
 * three are in step. The one that was written to last makes the cluster.
 */
export async function startDatabases(databases: readonly Database[], place: Place): Promise<void> {
  const founder = await founderOf(databases, place);
  await founder.program.start(['--wsrep-new-cluster']);
  await furnish(founder, place);
  for (const other of databases) if (other !== founder) await other.program.start();
}

async function founderOf(databases: readonly Database[], { say }: Place): Promise<Database> {
  const [first] = databases as [Database];
  const known = [];
  for (const database of databases) {
    const state = await database.state();
    if (state !== undefined) known.push({ database, ...state });
  }
  if (known.length === 0) {
    await first.install();
    return first;
  }
  const last = known.find((one) => one.last);
  if (last !== undefined) return last.database;
  // All were killed. What docs/deployment.md has people do.
  const positions = [];
  for (const { database } of known) positions.push({ database, seqno: await database.recovered() });
  const [newest] = positions.toSorted((one, other) => other.seqno - one.seqno);
  const { database, seqno } = newest as (typeof positions)[number];
  say(
    `${database.program.name.padEnd(22)} had come furthest when all were killed (${seqno}): it makes the cluster`,
  );
  await database.vouch();
  return database;
}

/** The database and users that MariaDB's image makes, and those of deploy/production/mariadb/users.sh. */
async function furnish(database: Database, { composition, secrets }: Place): Promise<void> {
  const password = await readFile(join(secrets, 'mariadb-password'), 'utf8');
  await database.sql(
    `CREATE DATABASE IF NOT EXISTS parley;
     CREATE USER IF NOT EXISTS parley@'%' IDENTIFIED BY '${password}';
     GRANT ALL ON parley.* TO parley@'%'`,
  );
  const script = composition
    .file('production/mariadb/users.sh')
    .replaceAll('CREATE USER', 'CREATE USER IF NOT EXISTS');
  const client = `docker_process_sql() { mariadb --no-defaults --socket="${database.socket}"; }`;
  await run('bash', ['-euc', `${client}\n${script}`]);
}

async function ids(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((of) => run('id', [of, user])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
