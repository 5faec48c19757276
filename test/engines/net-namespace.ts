import { execFile, execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { atEnd } from './at-end.ts';

const run = promisify(execFile);
const ip = (...args: string[]): Promise<unknown> => run('ip', args);

/** In front of the names of namespaces, which go on with the process that made them. */
const prefix = 'parley-t';
const nobodysPort = 9;
/** On one machine an answer takes no time. */
const heardWithinMs = 900;
/** No hardware has it: what is sent there is nobody's. */
const nowhere = '02:00:00:00:00:00';

/** Who can't hear whom: those inside are not heard, those inside don't hear, or neither. */
export type Cut = 'outward' | 'inward' | 'both';

interface Cable {
  readonly outside: string;
  readonly inside: string;
  readonly device: { readonly outside: string; readonly inside: string };
}

let made = 0;

/**
 * A network of its own for some processes of this machine, on two cables, each of which can be cut in either direction:
 * packets vanish, as they do when a switch dies, and nobody is told. Needs root. It goes with `dispose`, when this process
 * ends, or when the next one makes a namespace.
 */
export class NetNamespace implements AsyncDisposable {
  readonly name: string;
  readonly links: Cable;
  readonly engines: Cable;

  private constructor(name: string, links: Cable, engines: Cable) {
    this.name = name;
    this.links = links;
    this.engines = engines;
  }

  /** Whether this process may make one. */
  static get possible(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0;
  }

  static async create(): Promise<NetNamespace> {
    const name = await addNamespace();
    try {
      const links = await lay(name, made * 2);
      return new NetNamespace(name, links, await lay(name, made * 2 + 1));
    } catch (error) {
      removeNamespace(name);
      throw error;
    }
  }

  /** What runs a command in it. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Whether the two sides of a cable hear each other: a port that nobody has is refused at once, or there is no word of it. */
  reached(cable: Cable): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: cable.inside, port: nobodysPort });
      const timer = setTimeout(() => heard(false), heardWithinMs);
      const heard = (yes: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(yes);
      };
      socket.on('connect', () => heard(true));
      socket.on('error', (error: NodeJS.ErrnoException) => heard(error.code === 'ECONNREFUSED'));
    });
  }

  async cut(cable: Cable, how: Cut): Promise<void> {
    if (how !== 'inward') await this.#neighbour('inside', cable, nowhere);
    if (how !== 'outward') await this.#neighbour('outside', cable, nowhere);
  }

  async mend(cable: Cable): Promise<void> {
    await this.#neighbour('inside', cable, await hardware(cable.device.outside));
    await this.#neighbour('outside', cable, await hardware(cable.device.inside, this.name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    removeNamespace(this.name);
  }

  /** Where one side sends its packets for the other one. */
  async #neighbour(side: 'inside' | 'outside', cable: Cable, address: string): Promise<void> {
    const [where, peer] = side === 'inside' ? [['-n', this.name], cable.outside] : [[], cable.inside];
    await ip(
      ...where,
      'neigh',
      'replace',
      peer,
      'lladdr',
      address,
      'dev',
      cable.device[side],
      'nud',
      'permanent',
    );
  }
}

/**
 * Adds a network that nothing is in but a loopback device, and gives its name, which ends with the label if there is one.
 * It goes with this process at the latest.
 */
export async function addNamespace(label?: string): Promise<string> {
  await removeOrphans();
  made += 1;
  const name = [`${prefix}${process.pid}`, made, ...(label === undefined ? [] : [label])].join('-');
  await ip('netns', 'add', name);
  atEnd(() => removeNamespace(name));
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return name;
}

/** Lays a cable of a network of two addresses between this machine and the namespace. */
async function lay(name: string, no: number): Promise<Cable> {
  // Of the block for tests of devices (RFC 2544), which nobody is reached by.
  const net = `198.18.${(process.pid % 60) * 4 + (no >> 6)}.`;
  const first = (no % 64) * 4;
  const [outside, inside] = [`${net}${first + 1}`, `${net}${first + 2}`];
  const device = { outside: `pt${process.pid}o${no}`, inside: `pt${process.pid}i${no}` };
  await ip('link', 'add', device.outside, 'type', 'veth', 'peer', 'name', device.inside, 'netns', name);
  await ip('addr', 'add', `${outside}/30`, 'dev', device.outside);
  await ip('link', 'set', device.outside, 'up');
  await ip('-n', name, 'addr', 'add', `${inside}/30`, 'dev', device.inside);
  await ip('-n', name, 'link', 'set', device.inside, 'up');
  return { outside, inside, device };
}

async function hardware(device: string, namespace?: string): Promise<string> {
  const where = namespace === undefined ? [] : ['-n', namespace];
  const { stdout } = await run('ip', [...where, '-j', 'link', 'show', device]);
  return (JSON.parse(stdout) as [{ address: string }])[0].address;
}

/** Cables go with the namespace. */
export function removeNamespace(name: string): void {
  try {
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  } catch {
    // It is gone already.
  }
}

/** What processes of before left behind that were killed. */
export async function removeOrphans(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']);
  for (const line of stdout.split('\n')) {
    const [, pid] = new RegExp(`^(?:${prefix})(\\d+)-\\d+`).exec(line) ?? [];
    if (pid !== undefined && !alive(Number(pid))) removeNamespace((line.split(' ') as [string])[0]);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
