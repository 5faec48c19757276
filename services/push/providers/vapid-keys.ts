import { createECDH, generateKeyPairSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../core/config.ts';
import type { Mode } from '../../core/core-options.ts';
import { createOnce } from '../../core/create-once.ts';
import { readJsonFile } from './json-file.ts';
import type { PushProviderConfig } from './options.ts';

/** The pair that Web Push is signed with (RFC 8292), both in base64url. Browsers subscribe with the public one. */
export interface VapidKeys {
  /** An uncompressed point of P-256, 65 bytes. */
  readonly publicKey: string;
  /** 32 bytes. */
  readonly privateKey: string;
}

type KeyConfig = Pick<PushProviderConfig, 'vapidKeys' | 'vapidPublicKey' | 'vapidPrivateKey'>;

const fileType = z.object({ publicKey: z.string(), privateKey: z.string() });

export function makeVapidKeys(): VapidKeys {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return checked({ publicKey: '', privateKey: privateKey.export({ format: 'jwk' }).d ?? '' }, 'made');
}

/** A file with such keys, as text. */
export function vapidKeyFile({ publicKey, privateKey }: VapidKeys): string {
  return JSON.stringify({ publicKey, privateKey }, undefined, 2);
}

/**
 * The configured pair; undefined where there is none. Development makes one, once, in the data directory. Throws a
 * ConfigError for what can't be read or does not fit; keys are never shown.
 */
export async function loadVapidKeys(
  config: KeyConfig,
  { mode, dataDir }: { readonly mode: Mode; readonly dataDir: string },
): Promise<VapidKeys | undefined> {
  const { vapidKeys: file, vapidPublicKey: publicKey, vapidPrivateKey: privateKey } = config;
  if (file !== '' && (publicKey !== '' || privateKey !== ''))
    throw new ConfigError(['PARLEY_VAPID_KEYS must not be set beside a key in a variable of its own']);
  if (file !== '') return checked(await readKeys(file), `PARLEY_VAPID_KEYS (${file})`);
  if (privateKey !== '') return checked({ publicKey, privateKey }, 'PARLEY_VAPID_PRIVATE_KEY');
  if (publicKey !== '' || mode === 'production') return undefined;
  const path = join(dataDir, 'vapid.json');
  await mkdir(dataDir, { recursive: true });
  await createOnce(path, `${vapidKeyFile(makeVapidKeys())}\n`);
  return checked(await readKeys(path), path);
}

/** The key that browsers subscribe with; undefined where there is no Web Push. Throws as `loadVapidKeys` does. */
export async function loadVapidPublicKey(
  config: KeyConfig,
  where: { readonly mode: Mode; readonly dataDir: string },
): Promise<string | undefined> {
  const keys = await loadVapidKeys(config, where);
  if (keys !== undefined) return keys.publicKey;
  const { vapidPublicKey: publicKey } = config;
  if (publicKey === '') return undefined;
  const bytes = Buffer.from(publicKey, 'base64url');
  if (bytes.byteLength !== 65 || bytes[0] !== 4)
    throw new ConfigError(['PARLEY_VAPID_PUBLIC_KEY must be 65 bytes in base64url, the first of them 4']);
  return publicKey;
}

async function readKeys(path: string): Promise<VapidKeys> {
  const say = (what: string): ConfigError => new ConfigError([`PARLEY_VAPID_KEYS (${path}): ${what}`]);
  const parsed = fileType.safeParse(await readJsonFile(path, say));
  if (!parsed.success) throw say('must hold the texts publicKey and privateKey');
  return parsed.data;
}

/** The public key follows from the private one: where it is given, it must be the same. */
function checked({ publicKey, privateKey }: VapidKeys, source: string): VapidKeys {
  const curve = createECDH('prime256v1');
  try {
    const bytes = Buffer.from(privateKey, 'base64url');
    if (bytes.byteLength !== 32 || !/^[\w-]+$/.test(privateKey)) throw new RangeError('length');
    curve.setPrivateKey(bytes);
  } catch {
    throw new ConfigError([`${source}: the private key must be a number of P-256, 32 bytes in base64url`]);
  }
  const derived = curve.getPublicKey('base64url');
  if (publicKey !== '' && publicKey.replace(/=+$/, '') !== derived)
    throw new ConfigError([`${source}: the public key is not the private one's`]);
  return { publicKey: derived, privateKey };
}
