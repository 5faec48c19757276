import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, option, type OptionTable } from '../core/config.ts';
import type { Mode } from '../core/core-options.ts';
import { createOnce } from '../core/create-once.ts';

const leastLength = 32;

export const authOptions = {
  secrets: option<readonly string[]>({
    env: 'PARLEY_TOKEN_SECRET',
    type: z
      .array(z.string().min(leastLength))
      .max(8)
      .describe(
        `one to eight comma-separated secrets, each of at least ${leastLength} characters and without a comma`,
      ),
    default: [],
    doc: 'Secrets of the tokens (JWT, HS256). The first signs, all verify, so that secrets can be rotated. Needed in production; in development one is kept in the data directory.',
    secret: true,
  }),
} satisfies OptionTable;

export type Secrets = readonly [string, ...string[]];

/** Where development keeps the secret that it made up. */
export function secretFile(dataDir: string): string {
  return join(dataDir, 'token.secret');
}

/**
 * The secrets that tokens are signed with. Without configured ones: development makes one up, once, in a file that
 * only its owner can read, so that `parley token` and a running server agree; production throws a ConfigError.
 */
export async function loadTokenSecrets(config: {
  readonly mode: Mode;
  readonly secrets: readonly string[];
  readonly dataDir: string;
}): Promise<Secrets> {
  const [first, ...others] = config.secrets;
  if (first !== undefined) return [first, ...others];
  if (config.mode === 'production') {
    throw new ConfigError([
      `PARLEY_TOKEN_SECRET must be set in production, to at least ${leastLength} random characters (or PARLEY_MODE=development for a try on this machine)`,
    ]);
  }
  await mkdir(config.dataDir, { recursive: true });
  const path = secretFile(config.dataDir);
  await createOnce(path, `${randomBytes(32).toString('base64url')}\n`);
  const secret = (await readFile(path, 'utf8')).trim();
  if (secret.length < leastLength) {
    throw new ConfigError([`${path} must hold at least ${leastLength} characters; remove it for a new one`]);
  }
  return [secret];
}
