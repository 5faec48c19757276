import { check } from '../checker/checker.ts';
import type { Finding } from '../checker/finding.ts';
import type { StoredConversation } from '../checker/log.ts';
import { readStore } from '../crash/store-reader.ts';
import { Traffic } from '../crash/traffic.ts';
import { until } from '../crash/until.ts';
import { createGroups, makeWorld, type World } from '../crash/world.ts';
import type { FaultSite } from './fault-cluster.ts';

const users = 48;
const outstandingEach = 6;
/** A fault with fewer sends under way says little. */
export const inFlightWanted = 200;
export const inFlightThatCounts = 100;
const patienceMs = 90_000;
/** Sends that show that traffic flows. */
const sendsToGetGoing = 200;

export interface Round {
  /** Sends under way when the fault came. */
  readonly inFlight: number;
  /** Messages a second before it. */
  readonly sendsPerSecond: number;
  /** The longest that a send of the round waited for its acknowledgement, in milliseconds. */
  readonly worstAckMs: number;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly store: readonly StoredConversation[];
  readonly entries: number;
  readonly acknowledged: number;
}

/** Users by all doors of all edges of a cluster, in a closed loop, while faults are made. */
export class FaultRun implements AsyncDisposable {
  readonly traffic: Traffic;
  readonly world: World;
  readonly #cluster: FaultSite;
  #worstAckMs = 0;

  private constructor(cluster: FaultSite) {
    this.#cluster = cluster;
    this.world = makeWorld(users);
    this.traffic = new Traffic({
      world: this.world,
      site: cluster,
      outstanding: outstandingEach,
      random: Math.random,
    });
    for (const client of this.traffic.clients)
      client.onAnswered = (ms) => {
        this.#worstAckMs = Math.max(this.#worstAckMs, ms);
      };
  }

  static async create(cluster: FaultSite): Promise<FaultRun> {
    const run = new FaultRun(cluster);
    await createGroups(run.world, cluster);
    run.traffic.nextRun();
    run.traffic.start();
    return run;
  }

  /** Makes a fault in the middle of traffic, and waits until everybody is served again. */
  async round(fault: () => Promise<void>, calmMs = 300): Promise<Round> {
    const { traffic } = this;
    traffic.on();
    await this.#busy();
    await this.#flows('before the fault');
    const [sentBefore, startedAt] = [traffic.sent, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, calmMs));
    const sendsPerSecond = Math.round((traffic.sent - sentBefore) / ((performance.now() - startedAt) / 1000));
    // What the fault before this one has put off may be on its way back.
    await this.#busy();
    const { inFlight } = traffic;
    this.#worstAckMs = 0;
    // What a cursor push said before is history: it is written behind.
    traffic.nextRun();
    await fault();
    await this.#served();
    return { inFlight, sendsPerSecond, worstAckMs: Math.round(this.#worstAckMs) };
  }

  /** Lets everybody finish, and holds the cluster to its promises. */
  async verdict(): Promise<Verdict> {
    const { clients } = this.traffic;
    await this.traffic.off();
    await this.#settled();
    // The last cursors are written behind; the last entries are asked for.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    for (const client of clients) client.resync();
    await this.#settled();
    const store = await readStore(this.world, this.#cluster);
    this.traffic.stop();
    return {
      findings: check({ clients, store, cursorsMayLag: true }).kept,
      store,
      entries: store.reduce((sum, { entries }) => sum + entries.length, 0),
      acknowledged: clients.reduce(
        (sum, { events }) => sum + events.filter((event) => event.t === 'sent').length,
        0,
      ),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.traffic.stop();
    await this.traffic[Symbol.asyncDispose]();
  }

  async #settled(): Promise<void> {
    const { clients } = this.traffic;
    await until(
      () => clients.every((client) => client.settled),
      patienceMs,
      () =>
        `unsettled: ${clients.filter((client) => !client.settled).map(({ user }) => user)}\n${this.#state()}`,
    );
  }

  /** Every client has had an acknowledgement of something that it sent from now on. */
  async #served(): Promise<void> {
    const waiting = new Set(this.traffic.clients);
    const [at, heard] = [
      performance.now(),
      new Map(this.traffic.clients.map((one) => [one, one.onAnswered])),
    ];
    for (const client of waiting)
      client.onAnswered = (ms) => {
        heard.get(client)?.(ms);
        if (performance.now() - ms >= at) waiting.delete(client);
      };
    await until(
      () => {
        for (const client of waiting) client.assertSound();
        return waiting.size === 0;
      },
      patienceMs,
      () => `not served again:\n${[...waiting].map((client) => client.waiting).join('\n')}\n${this.#state()}`,
    );
    for (const [client, before] of heard) client.onAnswered = before;
  }

  async #busy(): Promise<void> {
    await until(
      () => this.traffic.inFlight >= inFlightWanted,
      patienceMs,
      () => `${this.traffic.inFlight} sends are under way\n${this.#state()}`,
    );
  }

  async #flows(when: string): Promise<void> {
    const goal = this.traffic.sent + sendsToGetGoing;
    await until(
      () => this.traffic.sent >= goal,
      patienceMs,
      () => `nothing is answered ${when}\n${this.#state()}`,
    );
  }

  #state(): string {
    return this.#cluster.processes
      .map((one) => `${one.name}: ${one.running ? 'runs' : 'is down'}\n${one.output.slice(-1500)}`)
      .join('\n');
  }
}
