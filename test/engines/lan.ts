import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { addNamespace, removeNamespace } from './net-namespace.ts';

const run = promisify(execFile);

/** Host number of this machine in every network. */
const ownNumber = 1;
const bridge = 'switch';

let made = 0;

/** A host in a network: what runs in a namespace of its own is reached by its address, and no other way. */
export class LanHost {
  readonly namespace: string;
  readonly address: string;
  readonly device: string;

  constructor(namespace: string, address: string, device: string) {
    this.namespace = namespace;
    this.address = address;
    this.device = device;
  }

  /** What runs a command in it. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  /** As when somebody pulls its cable, or puts it back. */
  async link(state: 'up' | 'down'): Promise<void> {
    await run('ip', ['-n', this.namespace, 'link', 'set', this.device, state]);
  }

  /** Whether its device has this address. */
  async has(address: string): Promise<boolean> {
    const { stdout } = await run('ip', ['-n', this.namespace, '-j', 'addr', 'show', 'dev', this.device]);
    const [device] = JSON.parse(stdout) as { addr_info?: { local?: string }[] }[];
    return device?.addr_info?.some(({ local }) => local === address) ?? false;
  }
}

/** A network of its own with a switch in the middle: namespaces, and this machine itself, are hosts in it. Needs root. */
export class Lan implements AsyncDisposable {
  readonly #switch: string;
  readonly #number: number;
  readonly #net: string;

  private constructor(name: string, number: number, net: string) {
    this.#switch = name;
    this.#number = number;
    this.#net = net;
  }

  /** `net`: the first three numbers of its addresses. Default: some that no other process of this machine takes. */
  static async create(net?: string): Promise<Lan> {
    made += 1;
    const number = made;
    const name = await addNamespace('switch');
    await run('ip', ['-n', name, 'link', 'add', bridge, 'type', 'bridge']);
    await run('ip', ['-n', name, 'link', 'set', bridge, 'up']);
    // Of the block for tests of devices (RFC 2544), which nobody is reached by.
    const own = `198.19.${(process.pid % 60) * 4 + (number % 4)}`;
    const lan = new Lan(name, number, net ?? own);
    await lan.#plug(ownNumber, undefined);
    return lan;
  }

  /** The address with this number, 2 to 254. */
  address(number: number): string {
    return `${this.#net}.${number}`;
  }

  /** Of this machine. */
  get own(): string {
    return this.address(ownNumber);
  }

  /** Makes a namespace a host of this network. */
  async join(namespace: string, number: number): Promise<LanHost> {
    const device = await this.#plug(number, namespace);
    return new LanHost(namespace, this.address(number), device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Cables go with it.
    removeNamespace(this.#switch);
  }

  async #plug(number: number, namespace: string | undefined): Promise<string> {
    const device = `pl${process.pid}x${this.#number}x${number}`;
    const socket = `port${number}`;
    const where = namespace === undefined ? [] : ['-n', namespace];
    await run('ip', [
      ...where,
      'link',
      'add',
      device,
      'type',
      'veth',
      'peer',
      'name',
      socket,
      'netns',
      this.#switch,
    ]);
    await run('ip', ['-n', this.#switch, 'link', 'set', socket, 'master', bridge, 'up']);
    await run('ip', [...where, 'addr', 'add', `${this.address(number)}/24`, 'dev', device]);
    await run('ip', [...where, 'link', 'set', device, 'up']);
    return device;
  }
}
