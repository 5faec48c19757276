import { systemClock } from './core/clock.ts';
import { ConfigError } from './core/config.ts';
import type { Logger } from './core/log.ts';
import type { Config } from './options.ts';
import { groupsOf } from './push/consumer-groups.ts';
import { type Endpoint, readEndpoints } from './push/endpoint-file.ts';
import type { PushProviders } from './push/push-providers.ts';

/** Whom the push role tells of what was committed. */
export interface PushAims {
  readonly endpoints: readonly Endpoint[];
  /** By what devices are pushed to; undefined: they aren't. */
  readonly providers: PushProviders | undefined;
  /** By which groups the event log is consumed for them; none where there is nobody to tell. */
  readonly groups: readonly string[];
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
