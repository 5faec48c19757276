import { LetterDesk } from './admin/letter-desk.ts';
import { systemClock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Tracer } from './core/tracer.ts';
import { openDeadLetters } from './open-events.ts';
import type { OpenStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';
import type { Offline } from './ports/offline.ts';
import type { SessionAcks } from './ports/session-acks.ts';
import { PushNode } from './push/push-node.ts';
import { PushReplay } from './push/push-replay.ts';
import type { PushAims } from './push-aims.ts';
import { resendOf } from './push/resend.ts';

export interface PushParts {
  readonly config: Config;
  readonly log: Logger;
  readonly aims: PushAims;
  readonly events: EventLog;
  readonly store: OpenStore;
  readonly offline: Offline;
  readonly tracer: Tracer;
  readonly acks: SessionAcks;
}

export interface OpenPush {
  readonly push: PushNode;
  /** For those who look after what was given up. */
  readonly letters: LetterDesk;
  /** To be closed once the push node has stopped. */
  readonly deadLetters: DeadLetters;
}

/** A push node, not started yet, and where it keeps what it gives up. The store must be open before. */
export async function openPush(parts: PushParts): Promise<OpenPush> {
  const { config, log, aims, events, store, offline, acks, tracer } = parts;
  const { endpoints, providers } = aims;
  const deadLetters = await openDeadLetters(config);
  const push = new PushNode({
    config: config.push,
    endpoints,
    devices: providers && { config: config.devicePush, providers, devices: store.devices, acks, store },
    events,
    deadLetters,
    store,
    offline,
    clock: systemClock,
    random: Math.random,
    log,
    tracer,
  });
  const couriers = new Map(push.couriers.map((courier) => [courier.endpoint.name, courier]));
  const pushes =
    providers && new PushReplay({ config: config.devicePush, providers, store, clock: systemClock });
  const letters = new LetterDesk({
    letters: deadLetters,
    resend: resendOf({ couriers, pushes, log }),
    attemptMs: Math.max(config.push.timeoutMs, providers === undefined ? 0 : config.pushProviders.timeoutMs),
  });
  return { push, deadLetters, letters };
}
