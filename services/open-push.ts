import { systemClock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import { openDeadLetters } from './open-events.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';
import type { MessageStore } from './ports/message-store.ts';
import type { Offline } from './ports/offline.ts';
import { type Endpoint, readEndpoints } from './push/endpoint-file.ts';
import { PushNode } from './push/push-node.ts';

export interface PushParts {
  readonly config: Config;
  readonly log: Logger;
  readonly endpoints: readonly Endpoint[];
  readonly events: EventLog;
  readonly store: MessageStore;
  readonly offline: Offline;
}

export interface OpenPush {
  readonly push: PushNode;
  /** To be closed once the push node has stopped. */
  readonly deadLetters: DeadLetters;
}

/** The endpoints that webhooks go to; none where none are configured. Throws a ConfigError. */
export async function configuredEndpoints(config: Config): Promise<readonly Endpoint[]> {
  return config.push.webhooks === '' ? [] : readEndpoints(config.push.webhooks, config.core.mode);
}

/** A push node, not started yet, and where it keeps what it gives up. The store must be open before. */
export async function openPush(parts: PushParts): Promise<OpenPush> {
  const { config, log, endpoints, events, store, offline } = parts;
  const deadLetters = await openDeadLetters(config);
  const push = new PushNode({
    config: config.push,
    endpoints,
    events,
    deadLetters,
    store,
    offline,
    clock: systemClock,
    random: Math.random,
    log,
  });
  return { push, deadLetters };
}
