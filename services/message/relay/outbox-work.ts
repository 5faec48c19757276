import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Service } from '../../core/service.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { MessageStore } from '../../ports/message-store.ts';
import type { Outbox, OutboxRow } from '../../ports/outbox.ts';
import { Adopter } from './adopter.ts';
import { Relay, type RelayBounds } from './relay.ts';

export interface OutboxWorkParts {
  readonly store: Pick<MessageStore, 'range'> & { readonly outbox: Outbox };
  /** Undefined where nobody wants to hear of events. */
  readonly events: Pick<EventLog, 'publish'> | undefined;
  /** The name under which this run holds its worker lease. */
  incarnation(): string;
  /** Whether every live edge is linked. */
  linked(): boolean;
  /** Whether this node is the one that adopts the row of a dead one. */
  adopts(batchId: bigint): boolean;
  /** Has these rows' entries forwarded by the owners of their conversations. Gives the rows of which all have confirmed. */
  forward(rows: readonly OutboxRow[]): Promise<ReadonlySet<bigint>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: Partial<RelayBounds>;
}

/** What a node does with the outbox of its store: publishes and removes its own rows, and adopts those of dead nodes. */
export class OutboxWork implements Service {
  readonly name = 'outbox';
  /** For the message node, which tells it of each commit, and stops it when it has told all. */
  readonly relay: Relay;
  readonly adopter: Adopter;

  constructor(parts: OutboxWorkParts) {
    const { store, events, clock, random, log, limits } = parts;
    const rows = store.outbox;
    const incarnation = (): string => parts.incarnation();
    const adopter = new Adopter({
      rows,
      incarnation,
      adopts: (batchId) => parts.adopts(batchId),
      adopted: (batchIds) => this.relay.appeared(batchIds),
      maybeAdopted: (batchIds) => {
        for (const batchId of batchIds) this.relay.uncertain(batchId);
      },
      forward: (waiting) => parts.forward(waiting),
      clock,
      log,
    });
    this.adopter = adopter;
    const outbox = {
      rows,
      incarnation,
      linked: () => parts.linked(),
      held: (batchId: bigint) => adopter.holds(batchId),
      forward: (row: OutboxRow) => adopter.take(row),
    };
    this.relay = new Relay({ events, outbox, store, clock, random, log, ...(limits && { limits }) });
  }

  start(): Promise<void> {
    return this.adopter.start();
  }

  async stop(): Promise<void> {
    await this.adopter.stop();
    await this.relay.stop();
  }
}
