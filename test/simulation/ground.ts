import type { MemoryStore } from '../../services/message/testing/memory-store.ts';
import type { Dice } from './dice.ts';
import type { SimDirectory } from './directory.ts';
import type { Network } from './network.ts';
import type { Process } from './process.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { SimFindings } from './sim-findings.ts';
import type { SimEventLog } from './sim-event-log.ts';
import type { SimConfig } from './sim-config.ts';
import type { Weather } from './weather.ts';

/** What the nodes of one simulation stand on. */
export interface Ground {
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly weather: Weather;
  readonly network: Network;
  readonly directory: SimDirectory;
  readonly database: Actor;
  readonly rows: MemoryStore;
  /** Undefined where nobody wants to hear of events. */
  readonly eventLog: SimEventLog | undefined;
  readonly config: SimConfig;
  readonly findings: SimFindings;
  /** How often the store went back to an earlier copy. */
  readonly restores: number;
  /** Told of each entry that a process asks the database to write. */
  wrote(msgId: bigint, actor: Actor, incarnation: string): void;
  /** Runs of nodes are told apart by numbers that grow. */
  nextRun(): number;
  processEnded(process: Process): void;
  trace(actor: Actor, what: string): void;
}
