import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { until } from '../../test/e2e/support/until.ts';
import { Lan } from '../../test/engines/lan.ts';
import { addNamespace, removeNamespace, removeOrphans } from '../../test/engines/net-namespace.ts';

/** The last number of each one's address; gateways have those of deploy/production/compose.yaml. */
const numbers = {
  'gateway-1': 11,
  'gateway-2': 12,
  e1: 21,
  e2: 22,
  m1: 31,
  m2: 32,
  g1: 41,
  g2: 42,
  p1: 51,
  p2: 52,
  database: 60,
  'database-1': 61,
  'database-2': 62,
  'database-3': 63,
  redis: 70,
  kafka: 80,
  watch: 90,
  search: 95,
} as const;
const floatingNumber = 100;
const goneWithinMs = 5_000;

export type MachineName = keyof typeof numbers;

/** What else they are called in deploy/: there each exporter has a container of its own. */
const others: Partial<Record<MachineName, readonly string[]>> = {
  'database-1': ['database-1-exporter'],
  'database-2': ['database-2-exporter'],
  'database-3': ['database-3-exporter'],
  watch: ['prometheus', 'alertmanager', 'redis-exporter', 'blackbox-exporter', 'receiver'],
};

/** A machine as far as the network goes: all ports are free there, and it knows the others by their names. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  /** The device that its address is on. */
  readonly device: string;
  /** What runs a command there. */
  readonly command: readonly string[];
}

/** The machines of production, at a switch of their own, where this machine is one, too. Needs root. */
export class Machines implements AsyncDisposable {
  readonly #lan: Lan;
  readonly #machines: ReadonlyMap<MachineName, Machine>;
  readonly #stack: AsyncDisposableStack;

  private constructor(lan: Lan, machines: ReadonlyMap<MachineName, Machine>, stack: AsyncDisposableStack) {
    this.#lan = lan;
    this.#machines = machines;
    this.#stack = stack;
  }

  /** `net`: the first three numbers of their addresses. Throws an Error where this machine has others like them. */
  static async connect(net: string, directory: string): Promise<Machines> {
    await removeOrphans();
    // The cable of a network that has just been removed goes a moment later.
    await until(
      () => deviceIn(net) === undefined,
      () => '',
      goneWithinMs,
    ).catch(() => {
      throw new Error(`${net}.0/24 is in use here, by ${deviceIn(net)}: give others by --network`);
    });
    await using stack = new AsyncDisposableStack();
    const lan = stack.use(await Lan.create(net));
    const hosts = join(directory, 'hosts');
    await writeFile(hosts, hostsOf(lan));
    const machines = new Map<MachineName, Machine>();
    for (const [name, number] of Object.entries(numbers) as [MachineName, number][]) {
      const namespace = await addNamespace(name);
      stack.defer(() => removeNamespace(namespace));
      const { address, device, command } = await lan.join(namespace, number);
      // The mount is seen by what runs by this command alone.
      const named = [...command, 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
      machines.set(name, { name, address, device, command: named });
    }
    return new Machines(lan, machines, stack.move());
  }

  get(name: MachineName): Machine {
    return this.#machines.get(name) as Machine;
  }

  /** Where the others reach this machine. */
  get own(): string {
    return this.#lan.own;
  }

  /** The address that gateways share. */
  get floating(): string {
    return this.#lan.address(floatingNumber);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** The device of this machine that has an address of this network. */
function deviceIn(net: string): string | undefined {
  const found = Object.entries(networkInterfaces()).find(([, addresses = []]) =>
    addresses.some(({ address }) => address.startsWith(`${net}.`)),
  );
  return found?.[0];
}

function hostsOf(lan: Lan): string {
  return [
    '127.0.0.1 localhost',
    '::1 localhost',
    `${lan.own} node-exporter`,
    ...(Object.entries(numbers) as [MachineName, number][]).map(([name, number]) =>
      [lan.address(number), name, ...(others[name] ?? [])].join(' '),
    ),
    '',
  ].join('\n');
}
