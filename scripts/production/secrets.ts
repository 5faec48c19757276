import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Composition } from './composition.ts';

const run = promisify(execFile);

/** Where webhooks are taken, by TLS as production wants it. */
export const receiverPort = 9096;

/** Makes the secrets that are not there yet: by the script of deploy/production, and what the receiver of webhooks needs. */
export async function makeSecrets(o: {
  readonly directory: string;
  readonly secrets: string;
  readonly composition: Composition;
}): Promise<void> {
  // It makes them beside itself.
  const script = join(o.directory, 'secrets.sh');
  await writeFile(script, o.composition.file('production/secrets.sh'), { mode: 0o755 });
  await run(script);
  if (!existsSync(join(o.secrets, 'receiver-key.pem'))) await certify(o.secrets);
  const webhooks = join(o.secrets, 'webhooks.json');
  if (!existsSync(webhooks)) await writeFile(webhooks, JSON.stringify({ endpoints: [endpoint()] }));
}

async function certify(secrets: string): Promise<void> {
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90'],
    ...['-subj', '/CN=receiver', '-addext', 'subjectAltName=DNS:receiver'],
    ...['-out', join(secrets, 'receiver-cert.pem'), '-keyout', join(secrets, 'receiver-key.pem')],
  ]);
}

function endpoint(): object {
  return {
    name: 'receiver',
    url: `https://receiver:${receiverPort}/webhooks`,
    secrets: [`whsec_${randomBytes(32).toString('base64')}`],
    ca_file: 'receiver-cert.pem',
    events: [
      'message.created',
      'message.offline',
      'group.created',
      'group.member_added',
      'group.member_removed',
    ],
  };
}
