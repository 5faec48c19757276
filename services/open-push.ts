import { LetterDesk } from './admin/letter-desk.ts';
import { systemClock } from './core/clock.ts';
import { ConfigError } from './core/config.ts';
import type { Logger } from './core/log.ts';
import type { Tracer } from './core/tracer.ts';
import { openDeadLetters } from './open-events.ts';
import type { OpenStore } from './open-store.ts';
import type { Config } from './options.ts';
import type { DeadLetters } from './ports/dead-letters.ts';
import type { EventLog } from './ports/event-log.ts';
import type { Offline } from './ports/offline.ts';
import type { SessionAcks } from './ports/session-acks.ts';
import { type Endpoint, readEndpoints } from './push/endpoint-file.ts';
import { groupsOf, PushNode } from './push/push-node.ts';
import type { PushProviders } from './push/push-providers.ts';
import { PushReplay } from './push/push-replay.ts';
import { resendOf } from './push/resend.ts';

/** Whom the push role tells of what was committed. */
export interface PushAims {
  readonly endpoints: readonly Endpoint[];
  /** By what devices are pushed to; undefined: they aren't. */
  readonly providers: PushProviders | undefined;
  /** By which groups the event log is consumed for them; none where there is nobody to tell. */
  readonly groups: readonly string[];
}

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

type AimConfig = Pick<Config, 'core' | 'push' | 'devicePush' | 'pushProviders'>;

/** The endpoints of webhooks and the push services that are configured. Throws a ConfigError. */
export async function configuredAims(config: AimConfig, log: Logger): Promise<PushAims> {
  const { webhooks } = config.push;
  const endpoints = webhooks === '' ? [] : await readEndpoints(webhooks, config.core.mode);
  const providers = config.devicePush.enabled ? await openProviders(config, log) : undefined;
  return { endpoints, providers, groups: groupsOf(endpoints, providers !== undefined) };
}

/** What speaks to push services is loaded where it is needed. Throws a ConfigError, also where there is none. */
export async function openProviders(config: AimConfig, log: Logger): Promise<PushProviders> {
  const { openPushProviders } = await import('./push/providers/open-providers.ts');
  const { mode, dataDir } = config.core;
  const parts = { config: config.pushProviders, clock: systemClock, random: Math.random, log };
  const providers = await openPushProviders({ ...parts, mode, dataDir });
  if (providers.meters.size > 0) return providers;
  throw new ConfigError(['PARLEY_PUSH needs a push service: see docs/push.md for how to set one up']);
}

/** The key that browsers subscribe with; undefined where they can't be pushed to. Throws a ConfigError. */
export async function webPushKey(config: AimConfig): Promise<Uint8Array | undefined> {
  if (!config.devicePush.enabled) return undefined;
  const { loadVapidPublicKey } = await import('./push/providers/vapid-keys.ts');
  const { mode, dataDir } = config.core;
  const key = await loadVapidPublicKey(config.pushProviders, { mode, dataDir });
  return key === undefined ? undefined : new Uint8Array(Buffer.from(key, 'base64url'));
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
