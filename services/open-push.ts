import { systemClock } from './core/clock.ts';
import type { Incarnation } from './core/incarnation.ts';
import type { Logger } from './core/log.ts';
import type { MessageNode } from './message/message-node.ts';
import { OutboxWork } from './message/relay/outbox-work.ts';
import { openDeadLetters, openEventLog } from './open-events.ts';
import type { OpenStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';
import type { MessageStore } from './ports/message-store.ts';
import { type Endpoint, readEndpoints } from './push/endpoint-file.ts';
import { groupsOf, PushNode } from './push/push-node.ts';

/** What a single process needs to send webhooks. */
export class EmbeddedPush {
  readonly events: EventLog;
  readonly deadLetters: DeadLetters;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #endpoints: readonly Endpoint[];

  private constructor(config: Config, log: Logger, endpoints: readonly Endpoint[], deadLetters: DeadLetters) {
    this.#config = config;
    this.#log = log;
    this.#endpoints = endpoints;
    this.deadLetters = deadLetters;
    this.events = openEventLog(config, log, groupsOf(endpoints));
  }

  /** Undefined where no webhooks are configured: nothing is kept for nobody. Throws a ConfigError. */
  static async open(config: Config, log: Logger): Promise<EmbeddedPush | undefined> {
    if (config.push.webhooks === '') return undefined;
    const endpoints = await readEndpoints(config.push.webhooks, config.core.mode);
    if (endpoints.length === 0) return undefined;
    return new EmbeddedPush(config, log, endpoints, await openDeadLetters(config));
  }

  /** What the message node tells of its commits. All edges are in the same process, and begin anew when it does. */
  outbox(store: OpenStore, incarnation: Incarnation): OutboxWork {
    return new OutboxWork({
      store,
      events: this.events,
      incarnation: () => incarnation.name,
      linked: () => true,
      adopts: () => true,
      forward: async (rows) => new Set(rows.map(({ batchId }) => batchId)),
      clock: systemClock,
      random: Math.random,
      log: this.#log,
      limits: { keepMs: 0 },
    });
  }

  node(store: MessageStore, message: MessageNode): PushNode {
    return new PushNode({
      config: this.#config.push,
      endpoints: this.#endpoints,
      events: this.events,
      deadLetters: this.deadLetters,
      store,
      offline: { offline: async (users) => users.filter((user) => !message.isOnline(user)) },
      clock: systemClock,
      random: Math.random,
      log: this.#log,
    });
  }
}
