import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import { MemoryStore } from '../../services/message/testing/memory-store.ts';
import { Dice } from './dice.ts';
import { SimDirectory } from './directory.ts';
import { EdgeProcess } from './edge-process.ts';
import type { Ground } from './ground.ts';
import { GroupAdmin } from './group-admin.ts';
import { GroupProcess } from './group-process.ts';
import { MessageProcess } from './message-process.ts';
import { Network } from './network.ts';
import type { Process } from './process.ts';
import { Restores } from './restores.ts';
import { Actor, Scheduler } from './scheduler.ts';
import { type Destination, SimClient } from './sim-client.ts';
import { drawConfig, type SimConfig } from './sim-config.ts';
import { SimEventLog } from './sim-event-log.ts';
import { SimFindings } from './sim-findings.ts';
import { type Climate, Weather } from './weather.ts';
import { Witness } from './witness.ts';

export interface WorldParts {
  readonly seed: number;
  readonly climate: Climate;
  readonly owners: number;
  readonly edges: number;
  readonly groups: number;
  /** Whether somebody wants to hear of events; drawn where it is not said. */
  readonly hasEventLog?: boolean;
  /** A message of a link is closed with the frame that brings it to this size; what is usual where it is not said. */
  readonly messageBytes?: number | undefined;
  /** Told of what happens, for whoever replays a schedule. */
  readonly tracing?: ((line: string) => void) | undefined;
}

const kinds = { m: MessageProcess, e: EdgeProcess, g: GroupProcess } as const;

/** The run of a node that had an entry written, and in which name; undefined where it tried in several. */
interface Writer {
  readonly actor: Actor;
  readonly incarnation: string | undefined;
}

/** The nodes and clients of one simulated schedule, and what they stand on. */
export class World implements Ground {
  readonly scheduler = new Scheduler();
  readonly dice: Dice;
  readonly weather: Weather;
  readonly network: Network;
  readonly directory: SimDirectory;
  readonly database = new Actor('database');
  readonly rows = new MemoryStore();
  readonly findings = new SimFindings();
  /** Restores of the store, and what was lost by them. */
  readonly lost = new Restores({ rows: this.rows });
  readonly witness: Witness;
  readonly admin: GroupAdmin;
  readonly clients: SimClient[] = [];
  readonly config: SimConfig;
  readonly eventLog: SimEventLog | undefined;
  /** By entry, who has had it written. */
  readonly #writers = new Map<bigint, Writer>();
  readonly #running = new Map<string, Process>();
  readonly #tracing: ((line: string) => void) | undefined;
  #runs = 0;
  /** From now on, a node that ends is started again at once. */
  #keepUp = false;

  constructor(parts: WorldParts) {
    this.dice = new Dice(parts.seed);
    const { scheduler, dice, rows, findings } = this;
    this.config = drawConfig(dice, parts.messageBytes);
    this.weather = new Weather(dice, parts.climate);
    // Some clusters have no push nodes: the outbox is there for forwarding alone.
    const draw = !dice.oneIn(5);
    if (parts.hasEventLog ?? draw) this.eventLog = new SimEventLog({ scheduler, weather: this.weather });
    this.#tracing = parts.tracing;
    const trace = parts.tracing === undefined ? undefined : this.trace.bind(this);
    this.network = new Network({ scheduler, weather: this.weather, dice, trace });
    this.directory = new SimDirectory({ scheduler, dice });
    this.witness = new Witness({ rows, findings, restores: this.lost });
    this.admin = new GroupAdmin({ ground: this, edge: () => this.#anyEdge() });
    scheduler.failed = (actor, error) =>
      findings.add('unexpected', `${actor.name}: ${error instanceof Error ? error.stack : String(error)}`);
    for (const [kind, count] of [
      ['m', parts.owners],
      ['g', parts.groups],
      ['e', parts.edges],
    ] as const)
      for (let no = 1; no <= count; no += 1) this.start(`${kind}${no}`);
  }

  /** Starts a node, which is named by its kind and number. */
  start(name: string): void {
    const kind = kinds[name[0] as keyof typeof kinds];
    this.#running.set(name, new kind(this, name));
  }

  get processes(): readonly Process[] {
    return [...this.#running.values()];
  }

  process(name: string): Process | undefined {
    return this.#running.get(name);
  }

  get edges(): readonly EdgeProcess[] {
    return this.processes.filter((one) => one instanceof EdgeProcess);
  }

  addClient(user: string, device: string): SimClient {
    const client = new SimClient({
      ground: this,
      witness: this.witness,
      user,
      device,
      door: () => this.#anyEdge()?.door,
    });
    this.clients.push(client);
    return client;
  }

  wrote(msgId: bigint, actor: Actor, incarnation: string): void {
    const before = this.#writers.get(msgId);
    const named = before === undefined || before.incarnation === incarnation;
    this.#writers.set(msgId, { actor, incarnation: named ? incarnation : undefined });
  }

  get restores(): number {
    return this.lost.count;
  }

  writerOf(msgId: bigint): Writer | undefined {
    return this.#writers.get(msgId);
  }

  nextRun(): number {
    return (this.#runs += 1);
  }

  processEnded(process: Process): void {
    if (process instanceof EdgeProcess) process.door?.die();
    if (this.#running.get(process.nodeId) === process) this.#running.delete(process.nodeId);
    if (this.#keepUp) this.scheduler.at(this.database, 50, () => this.start(process.nodeId));
  }

  keepUp(): void {
    this.#keepUp = true;
  }

  trace(actor: Actor, what: string): void {
    this.#tracing?.(`${this.scheduler.nowMs.toFixed(2).padStart(10)} ${actor.name}: ${what}`);
  }

  #anyEdge(): EdgeProcess | undefined {
    const serving = this.edges.filter((edge) => edge.serving);
    return serving.length === 0 ? undefined : this.dice.pick(serving);
  }
}

/** The direct conversation of two users, as one of them names it. */
export function directOf(user: string, peer: string): Destination {
  return { convId: directConvId(user as UserId, peer as UserId), to: peer };
}
