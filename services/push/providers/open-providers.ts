import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import { ConfigError } from '../../core/config.ts';
import type { Mode } from '../../core/core-options.ts';
import type { Logger } from '../../core/log.ts';
import { type ProviderSet, PushProviders } from '../push-providers.ts';
import type { PushProviderConfig } from './options.ts';
import { readServiceAccount } from './service-account.ts';
import { loadVapidKeys } from './vapid-keys.ts';

export interface OpenProvidersInit {
  readonly config: PushProviderConfig;
  readonly mode: Mode;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A connection is asked whether it is still there this often, and has so long to answer. */
const pingIntervalMs = 60_000;
const pingTimeoutMs = 10_000;
const mostWaiting = 2_048;
const reconnect = { firstMs: 500, maxMs: 30_000 };
/** In development nobody is turned to. */
const developmentSubject = 'mailto:parley@example.com';

/**
 * The providers that are configured; in development Web Push always is. Throws a ConfigError with all that is wrong.
 * They are loaded where they are configured, and connect when there is something to send.
 */
export async function openPushProviders(init: OpenProvidersInit): Promise<PushProviders> {
  const problems: string[] = [];
  const tried = async <T>(part: Promise<T>): Promise<T | undefined> => {
    try {
      return await part;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const ca = await tried(readCa(init.config.ca));
  const set: ProviderSet = {
    webpush: await tried(openWebPush(init, ca)),
    fcm: await tried(openFcm(init, ca)),
    apns: await tried(openApns(init, ca)),
  };
  const providers = new PushProviders(set, init.log);
  if (problems.length === 0) return providers;
  await providers.close();
  throw new ConfigError(problems);
}

async function openWebPush(
  { config, mode, dataDir, clock }: OpenProvidersInit,
  ca: string | undefined,
): Promise<ProviderSet['webpush']> {
  if (mode === 'production' && config.webPushPrivate)
    throw new ConfigError(['PARLEY_WEBPUSH_PRIVATE must not be set in production']);
  const keys = await loadVapidKeys(config, { mode, dataDir });
  if (keys === undefined) return undefined;
  if (config.vapidSubject === '' && mode === 'production')
    throw new ConfigError(['PARLEY_VAPID_SUBJECT must be set where there are keys for Web Push']);
  const { WebPushProvider } = await import('./web-push-provider.ts');
  return new WebPushProvider({
    keys,
    subject: config.vapidSubject || developmentSubject,
    hosts: config.webPushHosts,
    privateHosts: config.webPushPrivate,
    ca,
    inFlight: config.inFlight,
    timeoutMs: config.timeoutMs,
    clock,
  });
}

async function openFcm(init: OpenProvidersInit, ca: string | undefined): Promise<ProviderSet['fcm']> {
  const { config, clock, random, log } = init;
  if (config.fcmCredentials === '') return undefined;
  const { FcmProvider } = await import('./fcm-provider.ts');
  return new FcmProvider({
    account: await readServiceAccount(config.fcmCredentials),
    origin: originOf(config.fcmUrl),
    hiddenText: config.hiddenText,
    ca,
    timeoutMs: config.timeoutMs,
    clock,
    random,
    log,
    line: lineOf(init, ca),
  });
}

async function openApns(init: OpenProvidersInit, ca: string | undefined): Promise<ProviderSet['apns']> {
  const { config, clock } = init;
  const parts = {
    PARLEY_APNS_KEY: config.apnsKey,
    PARLEY_APNS_KEY_ID: config.apnsKeyId,
    PARLEY_APNS_TEAM_ID: config.apnsTeamId,
    PARLEY_APNS_TOPIC: config.apnsTopic,
  };
  const missing = Object.entries(parts).filter(([, value]) => value === '');
  if (missing.length === 4) return undefined;
  if (missing.length > 0)
    throw new ConfigError(missing.map(([env]) => `${env} must be set: APNs needs all four`));
  const { ApnsProvider } = await import('./apns-provider.ts');
  return new ApnsProvider({
    key: await readSigningKey(config.apnsKey),
    keyId: config.apnsKeyId,
    teamId: config.apnsTeamId,
    topic: config.apnsTopic,
    hiddenText: config.hiddenText,
    origins: { production: originOf(config.apnsUrl), sandbox: originOf(config.apnsSandboxUrl) },
    clock,
    line: lineOf(init, ca),
  });
}

function lineOf({ config, clock, random, log }: OpenProvidersInit, ca: string | undefined) {
  const { inFlight, timeoutMs } = config;
  const limits = { inFlight, mostWaiting, timeoutMs, pingIntervalMs, pingTimeoutMs, backoff: reconnect };
  return { ...limits, ca, clock, random, log };
}

function originOf(url: string): string {
  return new URL(url).origin;
}

async function readCa(path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  const ca = await readText('PARLEY_PUSH_CA', path);
  try {
    createSecureContext({ ca });
  } catch (error) {
    throw new ConfigError([`PARLEY_PUSH_CA (${path}): ${(error as Error).message}`]);
  }
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new ConfigError([`PARLEY_PUSH_CA (${path}): holds no certificate as PEM`]);
  return ca;
}

async function readSigningKey(path: string): Promise<KeyObject> {
  const text = await readText('PARLEY_APNS_KEY', path);
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(text);
  } catch {
    key = undefined;
  }
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ConfigError([`PARLEY_APNS_KEY (${path}): must hold a private key of P-256 as PEM`]);
  return key;
}

async function readText(env: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new ConfigError([`${env} must name a readable file: ${error.message}`]);
  });
}
