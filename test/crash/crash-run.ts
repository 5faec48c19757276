import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts, ParleyServer, type ParleyPorts, temporaryDirectory } from '../../bench/targets/parley.ts';
import { check } from '../checker/checker.ts';
import { Findings, type Finding } from '../checker/finding.ts';
import { checkRestored } from '../checker/restored.ts';
import type { Site } from './site.ts';
import { readStore } from './store-reader.ts';
import { Traffic } from './traffic.ts';
import { until } from './until.ts';
import { createGroups, makeWorld, type World } from './world.ts';

export const users = 32;
const outstandingEach = 8;
/** A kill with fewer sends under way says little. */
export const inFlightWanted = 200;
export const inFlightThatCounts = 100;
const patienceMs = 60_000;
const looksKept = 8;
/** Sends that show that traffic flows. */
const sendsToGetGoing = 200;
const main = fileURLToPath(new URL('../../services/main.ts', import.meta.url));

export interface Kill {
  /** Sends under way when the process died. */
  readonly inFlight: number;
  /** Messages a second since the traffic had come up again. */
  readonly sendsPerSecond: number;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** What `parley check` said. */
  readonly check: string;
  readonly entries: number;
  readonly acknowledged: number;
  readonly changes: number;
  /** Acknowledged entries of before the store was restored: those that it has, and those that it has no more. */
  readonly restored: { readonly kept: number; readonly lost: number } | undefined;
}

/** A server that is killed again and again under traffic, on one data directory, and the clients that live through it. */
export class CrashRun implements AsyncDisposable {
  readonly #world: World;
  readonly #site: Site;
  readonly #traffic: Traffic;
  readonly #ports: ParleyPorts;
  readonly #directory: { readonly path: string } & AsyncDisposable;
  /** Of every start: where the store is, for one. */
  readonly #env: Readonly<Record<string, string>>;
  #server: ParleyServer | undefined;

  private constructor(
    world: World,
    ports: ParleyPorts,
    directory: { readonly path: string } & AsyncDisposable,
    env: Readonly<Record<string, string>>,
  ) {
    this.#env = env;
    this.#world = world;
    this.#ports = ports;
    this.#directory = directory;
    this.#site = {
      ports: () => ports,
      call: (rpc, request, user) => this.server.call(rpc, request, user),
    };
    this.#traffic = new Traffic({
      world,
      site: this.#site,
      outstanding: outstandingEach,
      random: Math.random,
    });
  }

  static async create(env: Readonly<Record<string, string>> = {}): Promise<CrashRun> {
    const run = new CrashRun(makeWorld(users), await freePorts(), await temporaryDirectory(), env);
    await run.start();
    await createGroups(run.#world, run.#site);
    run.#traffic.start();
    return run;
  }

  get server(): ParleyServer {
    if (this.#server === undefined) throw new Error('no server runs');
    return this.#server;
  }

  get traffic(): Traffic {
    return this.#traffic;
  }

  get dataDir(): string {
    return path.join(this.#directory.path, 'data');
  }

  /** Starts the server on the same data and ports. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    // Clients may be in before the server says that it is ready.
    this.#traffic.nextRun();
    this.#server = await ParleyServer.start({
      dataDir: this.dataDir,
      ports: this.#ports,
      env: { ...this.#env, ...env },
    });
  }

  /** Has everybody online and enough sends under way. */
  async load(): Promise<void> {
    this.#traffic.on();
    await until(
      () => this.#traffic.inFlight >= inFlightWanted || !this.server.child.running,
      patienceMs,
      () => `${this.#traffic.inFlight} sends are under way\n${this.server.child.output.slice(-2000)}`,
    );
  }

  /** Lets the traffic get going and run for a time, then kills the server in the middle of it. */
  async killAfter(ms: number): Promise<Kill> {
    const goal = this.#traffic.sent + sendsToGetGoing;
    await until(
      () => this.#traffic.sent >= goal || !this.server.child.running,
      patienceMs,
      () => `nothing is answered\n${this.server.child.output.slice(-2000)}`,
    );
    const [sentBefore, startedAt] = [this.#traffic.sent, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, ms));
    const seconds = (performance.now() - startedAt) / 1000;
    const kill = {
      inFlight: this.#traffic.inFlight,
      sendsPerSecond: Math.round((this.#traffic.sent - sentBefore) / seconds),
    };
    if (!this.server.child.running)
      throw new Error(`the server died: ${this.server.child.output.slice(-3000)}`);
    await this.server.child.stop('SIGKILL');
    return kill;
  }

  /** Kills the server as things are. */
  async killNow(): Promise<Kill> {
    const kill = { inFlight: this.#traffic.inFlight, sendsPerSecond: 0 };
    await this.server.child.stop('SIGKILL');
    return kill;
  }

  /** Waits until so many more messages were handed over, which is when as many were answered. */
  async goesOn(sends: number): Promise<void> {
    const goal = this.#traffic.sent + sends;
    await until(
      () => this.#traffic.sent >= goal,
      patienceMs,
      () => `nothing is answered any more\n${this.server.child.output.slice(-2000)}`,
    );
  }

  /** Waits until the server dies by itself, doing `meanwhile` again and again. */
  async diesByItself(meanwhile: () => void = () => {}): Promise<Kill> {
    const [sentBefore, startedAt] = [this.#traffic.sent, performance.now()];
    // Connections break a moment before the death is known here: the highest of the last looks is how it was before.
    const looks: number[] = [];
    await until(
      () => {
        meanwhile();
        looks.push(this.#traffic.inFlight);
        return !this.server.child.running;
      },
      patienceMs,
      () => `the server lives\n${this.server.child.output.slice(-2000)}`,
    );
    const seconds = (performance.now() - startedAt) / 1000;
    return {
      inFlight: Math.max(...looks.slice(-looksKept)),
      sendsPerSecond: Math.round((this.#traffic.sent - sentBefore) / seconds),
    };
  }

  /** One more session of somebody who says nothing; for places that only a new session passes. */
  knock(): void {
    this.#traffic.knock();
  }

  /** How much each client has written down so far. */
  mark(): number[] {
    return this.#traffic.clients.map(({ events }) => events.length);
  }

  /** A command of `parley`, as a process, for the server's data; rejects where it fails. */
  async parley(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], {
      env: this.#commandEnv,
    });
    return stdout;
  }

  /**
   * Lets everybody finish, and holds the server to its promises. The server must be running. `sure`: the store was restored
   * from a backup, and this is what was marked when that was asked for.
   */
  async verdict({ sure }: { readonly sure?: readonly number[] } = {}): Promise<Verdict> {
    const { clients } = this.#traffic;
    await this.#traffic.off();
    const unsettled = () =>
      `unsettled: ${clients.filter((client) => !client.settled).map(({ user }) => user)}\n` +
      this.server.child.output.slice(-2000);
    await until(() => clients.every((client) => client.settled), patienceMs, unsettled);
    // The last cursors are told, the last entries asked for.
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const client of clients) client.resync();
    await until(() => clients.every((client) => client.settled), patienceMs, unsettled);
    const store = await readStore(this.#world, this.#site);
    this.#traffic.stop();
    await this.server.child.stop('SIGTERM');
    const findings = new Findings();
    const restored = sure && checkRestored({ clients, store, sure }, findings);
    return {
      findings: [...findings.kept, ...check(restored?.evidence ?? { clients, store }).kept],
      check: await this.#parleyCheck(),
      entries: store.reduce((sum, { entries }) => sum + entries.length, 0),
      acknowledged: clients.reduce(
        (sum, { events }) => sum + events.filter((event) => event.t === 'sent').length,
        0,
      ),
      changes: this.#traffic.changes,
      restored: restored && { kept: restored.kept, lost: restored.lost },
    };
  }

  get #commandEnv(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#env, PARLEY_DATA_DIR: this.dataDir, PARLEY_MODE: 'development' };
  }

  async #parleyCheck(): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, 'check'], {
      env: this.#commandEnv,
    }).catch((error: { stdout: string; stderr: string }) => error);
    return `${stdout}${stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#traffic.stop();
    await this.#server?.[Symbol.asyncDispose]();
    await this.#traffic[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
