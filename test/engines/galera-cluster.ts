import { execFile } from 'node:child_process';
import { accessSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Connection, createConnection } from 'mysql2/promise';
import { Engine, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';
import { askSql, mariaDbSpec, type SqlAddress, sqlAddress } from './mariadb.ts';

const run = promisify(execFile);

const nodes = 3;
/** A node that joins copies all data from another first. */
const joinedWithinMs = 120_000;

/** Where Debian and Fedora put the library of package galera-4. */
const libraries = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'];

/** Copies are received by an rsync that root's rights are taken from: nodes of root run as Debian's user for MariaDB. */
const user = process.getuid?.() === 0 ? 'mysql' : undefined;

function library(): string {
  const found = libraries.find((file) => {
    try {
      accessSync(file);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`Galera is in none of ${libraries.join(', ')}: install galera-4`);
  return found;
}

interface GaleraNodeOptions {
  readonly directory: string;
  readonly port: number;
  /** Between the nodes: messages, write sets that a node has missed, whole copies. */
  readonly groupPort: number;
  readonly catchUpPort: number;
  readonly copyPort: number;
  /** All nodes, `host:groupPort`. */
  readonly members: readonly string[];
  /** Whether it is the first, which makes the cluster. */
  readonly first: boolean;
}

/** One node of a cluster: a MariaDB whose commits are certified by all nodes. */
export class GaleraNode extends Engine {
  readonly address: SqlAddress;
  /** Where its files are. */
  readonly data: string;

  constructor(o: GaleraNodeOptions) {
    const spec = mariaDbSpec({ directory: o.directory, port: o.port, settings: settings(o), user });
    super({
      ...spec,
      name: 'galera',
      firstArgs: o.first ? ['--wsrep-new-cluster'] : [],
      user,
      async prepare() {
        if (user !== undefined) await run('chown', [`${user}:${user}`, o.directory]);
        await spec.prepare?.();
      },
      readyWithinMs: joinedWithinMs,
      // A node that is not part of the majority, or is still copying, refuses this.
      async ask() {
        const [row] = await askSql(o.port, "SHOW STATUS LIKE 'wsrep_local_state_comment'");
        const state = (row as { Value?: string } | undefined)?.Value;
        if (state !== 'Synced') throw new Error(`the node is ${state}`);
        await askSql(o.port, 'SELECT 1 FROM information_schema.SCHEMATA LIMIT 1');
      },
    });
    this.address = sqlAddress(o.port);
    this.data = join(o.directory, 'data');
  }

  get port(): number {
    return this.address.port;
  }

  /** The first start. */
  override launch(): Promise<void> {
    return super.launch();
  }

  /** A connection of the caller's own, to no schema or to the one named. */
  connect(schema?: string): Promise<Connection> {
    return createConnection({ ...this.address, database: schema });
  }
}

function settings(o: GaleraNodeOptions): string[] {
  const provider = [
    'base_host=127.0.0.1',
    `base_port=${o.groupPort}`,
    `gmcast.listen_addr=tcp://127.0.0.1:${o.groupPort}`,
    `ist.recv_addr=127.0.0.1:${o.catchUpPort}`,
    'gcache.size=32M',
    // How long a silent node is waited for: on one machine less than the 5 s and 15 s of a network.
    'evs.suspect_timeout=PT2S',
    'evs.inactive_timeout=PT5S',
    'evs.keepalive_period=PT0.5S',
  ];
  return [
    '--wsrep-on=ON',
    `--wsrep-provider=${library()}`,
    `--wsrep-provider-options=${provider.join(';')}`,
    `--wsrep-cluster-address=gcomm://${o.members.join(',')}`,
    '--wsrep-cluster-name=parley',
    `--wsrep-node-name=${o.groupPort}`,
    `--wsrep-node-address=127.0.0.1:${o.groupPort}`,
    `--wsrep-sst-receive-address=127.0.0.1:${o.copyPort}`,
    '--wsrep-sst-method=rsync',
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
  ];
}

/**
 * Three MariaDB nodes that replicate synchronously (Galera), all of which take writes. Two make the majority; a node
 * that restarts catches up with them before it serves. From Debian's packages mariadb-server and galera-4.
 */
export class GaleraCluster implements AsyncDisposable {
  readonly nodes: readonly GaleraNode[];
  readonly #stack: AsyncDisposableStack;

  private constructor(members: readonly GaleraNode[], stack: AsyncDisposableStack) {
    this.nodes = members;
    this.#stack = stack;
  }

  /** Resolves once all three are in step. */
  static async start(): Promise<GaleraCluster> {
    await using stack = new AsyncDisposableStack();
    const groupPorts = await Promise.all(Array.from({ length: nodes }, freePort));
    const members = groupPorts.map((port) => `127.0.0.1:${port}`);
    const started: GaleraNode[] = [];
    for (const groupPort of groupPorts) {
      const [port, catchUpPort, copyPort] = [await freePort(), await freePort(), await freePort()];
      const directory = await engineDirectory('galera');
      const first = started.length === 0;
      const node = stack.use(
        new GaleraNode({ directory, port, groupPort, catchUpPort, copyPort, members, first }),
      );
      await node.launch();
      started.push(node);
    }
    return new GaleraCluster(started, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
