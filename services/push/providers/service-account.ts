import { createPrivateKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { ConfigError } from '../../core/config.ts';
import { readJsonFile } from './json-file.ts';

/** Who sends by FCM: what the file of a Google service account holds. */
export interface ServiceAccount {
  readonly projectId: string;
  readonly email: string;
  readonly keyId: string;
  /** RSA. */
  readonly key: KeyObject;
  /** Where access tokens come from; https. */
  readonly tokenUrl: URL;
}

const fileType = z.object({
  type: z.literal('service_account'),
  project_id: z.string().regex(/^[a-z0-9.:-]{1,64}$/),
  private_key_id: z.string().min(1).max(128),
  private_key: z.string(),
  client_email: z.string().min(3).max(320),
  token_uri: z.url({ protocol: /^https$/ }),
});

/** RS256 takes no less. */
const leastBits = 2_048;

/** Reads a service account's file. Throws a ConfigError that says what is wrong with it, without showing any of it. */
export async function readServiceAccount(path: string): Promise<ServiceAccount> {
  const say = (what: string): ConfigError => new ConfigError([`PARLEY_FCM_CREDENTIALS (${path}): ${what}`]);
  const parsed = fileType.safeParse(await readJsonFile(path, say));
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path: [field] }) => String(field ?? 'the file')))];
    throw say(`not as a service account's file has it: ${fields.join(', ')}`);
  }
  const { project_id, client_email, private_key_id, private_key, token_uri } = parsed.data;
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(private_key);
  } catch {
    key = undefined;
  }
  const bits = key?.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (key === undefined || bits < leastBits) {
    throw say(`private_key must be an RSA key of at least ${leastBits} bits as PEM`);
  }
  return {
    projectId: project_id,
    email: client_email,
    keyId: private_key_id,
    key,
    tokenUrl: new URL(token_uri),
  };
}
