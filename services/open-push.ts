import { systemClock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { MessageNode } from './message/message-node.ts';
import { Relay } from './message/relay/relay.ts';
import { openDeadLetters, openEventLog } from './open-events.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';
import type { MessageStore } from './ports/message-store.ts';
import { type Endpoint, readEndpoints } from './push/endpoint-file.ts';
import { groupsOf, PushNode } from './push/push-node.ts';

/** What a single process needs to send webhooks. */
export class EmbeddedPush {
  readonly events: EventLog;
  /** For the message node. */
  readonly relay: Relay;
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
    this.relay = new Relay({
      events: this.events,
      outbox: undefined,
      clock: systemClock,
      random: Math.random,
      log,
    });
  }

  /** Undefined where no webhooks are configured: nothing is kept for nobody. Throws a ConfigError. */
  static async open(config: Config, log: Logger): Promise<EmbeddedPush | undefined> {
    if (config.push.webhooks === '') return undefined;
    const endpoints = await readEndpoints(config.push.webhooks, config.core.mode);
    if (endpoints.length === 0) return undefined;
    return new EmbeddedPush(config, log, endpoints, await openDeadLetters(config));
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
