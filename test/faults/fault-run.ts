import { check } from '../checker/checker.ts';
import { Findings, type Finding } from '../checker/finding.ts';
import type { StoredConversation } from '../checker/log.ts';
import { checkRestored } from '../checker/restored.ts';
import { readStore } from '../crash/store-reader.ts';
import { Traffic } from '../crash/traffic.ts';
import { until } from '../crash/until.ts';
import { createGroups, makeWorld, type World } from '../crash/world.ts';
import type { FaultSite } from './fault-cluster.ts';

/** How many take part. */
export const users = 48;
const outstandingEach = 6;
/** A fault with fewer sends under way says little. */
export const inFlightWanted = 200;
export const inFlightThatCounts = 100;
const patienceMs = 90_000;
/** Sends that show that traffic flows. */
const sendsToGetGoing = 200;
/** Cursors are written behind: a node that is asked knows what another one was told so long ago. */
const cursorsWrittenMs = 2_500;
const noWait = { ms: 0, story: () => '' };

export interface Round {
  /** Sends under way when the fault came. */
  readonly inFlight: number;
  /** Messages a second before it. */
  readonly sendsPerSecond: number;
  /** The longest that a send of the round waited for its acknowledgement, in milliseconds. */
  readonly worstAckMs: number;
  /** What became of that send. */
  readonly worstStory: string;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly store: readonly StoredConversation[];
  readonly entries: number;
  readonly acknowledged: number;
  /** Acknowledged entries of before the store was restored: those that it has, and those that it has no more. */
  readonly restored: { readonly kept: number; readonly lost: number } | undefined;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Users by all doors of all edges of a cluster, in a closed loop, while faults are made. */
export class FaultRun implements AsyncDisposable {
  readonly traffic: Traffic;
  readonly world: World;
  readonly #cluster: FaultSite;
  #worst: { readonly ms: number; story(): string } = noWait;

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
      client.onAnswered = (ms, clientId) => {
        if (ms > this.#worst.ms) this.#worst = { ms, story: () => client.storyOf(clientId) };
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
    await pause(calmMs);
    const sendsPerSecond = Math.round((traffic.sent - sentBefore) / ((performance.now() - startedAt) / 1000));
    // What the fault before this one has put off may be on its way back.
    await this.#busy();
    const { inFlight } = traffic;
    this.#worst = noWait;
    // What a cursor push said before is history: it is written behind.
    traffic.nextRun();
    await fault();
    await this.#served();
    const { ms, story } = this.#worst;
    return { inFlight, sendsPerSecond, worstAckMs: Math.round(ms), worstStory: story() };
  }

  /** How much each client has written down so far. */
  mark(): number[] {
    return this.traffic.clients.map(({ events }) => events.length);
  }

  /** Has traffic flow, with enough under way, and waits for so many sends more. */
  async goesOn(sends: number): Promise<void> {
    this.traffic.on();
    await this.#busy();
    const goal = this.traffic.sent + sends;
    await until(
      () => this.traffic.sent >= goal,
      patienceMs,
      () => `nothing is answered any more\n${this.#state()}`,
    );
  }

  /**
   * Lets everybody finish, and holds the cluster to its promises. `sure`: the store was restored from a backup, and this is
   * what was marked at the moment that it is a backup of.
   */
  async verdict({ sure }: { readonly sure?: readonly number[] } = {}): Promise<Verdict> {
    const { clients } = this.traffic;
    await this.traffic.off();
    await this.#settled();
    await pause(cursorsWrittenMs);
    // The last entries are asked for, and cursors named that a crash or a restore took away.
    for (const client of clients) client.resync();
    await this.#settled();
    await pause(cursorsWrittenMs);
    const store = await readStore(this.world, this.#cluster);
    this.traffic.stop();
    const findings = new Findings();
    const restored = sure && checkRestored({ clients, store, sure }, findings);
    const evidence = restored?.evidence ?? { clients, store };
    return {
      findings: [...findings.kept, ...check({ ...evidence, cursorsMayLag: true }).kept],
      restored: restored && { kept: restored.kept, lost: restored.lost },
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
      client.onAnswered = (ms, clientId) => {
        heard.get(client)?.(ms, clientId);
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
