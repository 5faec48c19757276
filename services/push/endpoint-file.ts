import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../core/config.ts';
import { isLoopback, type Mode } from '../core/core-options.ts';
import { secretKey } from './signature.ts';
import { type WebhookType, webhookTypes } from './webhook.ts';

/** Where webhooks go. */
export interface Endpoint {
  /** Names it in logs, metrics, dead letters and the positions in the event log. */
  readonly name: string;
  readonly url: URL;
  /** Each signs. */
  readonly keys: readonly Buffer[];
  readonly types: ReadonlySet<WebhookType>;
  /** Requests under way at once, at most. */
  readonly inFlight: number;
  /** Certificate authorities (PEM) that the receiver is trusted by, instead of the usual ones. */
  readonly ca: string | undefined;
}

const maxEndpoints = 16;

const fileType = z.strictObject({
  endpoints: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 of a-z, 0-9 and -'),
        url: z.string().max(2_048),
        secrets: z.array(z.string()).min(1).max(4),
        events: z.array(z.enum(webhookTypes)).min(1),
        in_flight: z.int().min(1).max(256).default(16),
        ca_file: z.string().optional(),
      }),
    )
    .max(maxEndpoints),
});

/**
 * The endpoints that a file names; see docs/webhooks.md. Throws a ConfigError with all that is wrong with it; secrets
 * are never shown.
 */
export async function readEndpoints(path: string, mode: Mode): Promise<readonly Endpoint[]> {
  const problems: string[] = [];
  const say = (what: string): void => void problems.push(`PARLEY_WEBHOOKS (${path}): ${what}`);
  const endpoints: Endpoint[] = [];
  for (const [index, declared] of (await parsed(path, say)).entries()) {
    const at = (what: string): void => say(`endpoints[${index}]${what}`);
    if (endpoints.some(({ name }) => name === declared.name)) at(`.name: ${declared.name} is there twice`);
    const keys = declared.secrets.flatMap((secret, no) => {
      try {
        return [secretKey(secret)];
      } catch (error) {
        at(`.secrets[${no}] ${(error as RangeError).message}`);
        return [];
      }
    });
    const url = URL.parse(declared.url);
    const problem = urlProblem(url, mode);
    if (problem !== undefined) at(`.url ${problem}`);
    let ca: string | undefined;
    if (declared.ca_file !== undefined) {
      const file = resolve(dirname(path), declared.ca_file);
      ca = await readFile(file, 'utf8').catch((error: Error) => {
        at(`.ca_file can't be read: ${error.message}`);
        return undefined;
      });
    }
    if (url === null || problem !== undefined) continue;
    const types = new Set(declared.events);
    endpoints.push({ name: declared.name, url, keys, types, inFlight: declared.in_flight, ca });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return endpoints;
}

async function parsed(path: string, say: (what: string) => void) {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // The words of JSON.parse quote what they don't understand, and that may be a secret.
    say(error instanceof SyntaxError ? 'is no JSON' : (error as Error).message);
    return [];
  }
  const result = fileType.safeParse(content);
  if (result.success) return result.data.endpoints;
  for (const { path: at, message } of result.error.issues) {
    const where = at.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
    say(`${where.replace(/^\./, '')}${where === '' ? '' : ': '}${message}`);
  }
  return [];
}

/** Whom the server itself may be made to call is for its operator to say, and even he can't have it call in clear. */
function urlProblem(url: URL | null, mode: Mode): string | undefined {
  if (url === null) return 'is no URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:';
  if (url.username !== '' || url.password !== '') return 'must not hold a user or a password';
  if (url.hash !== '') return 'must not have a fragment';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (mode === 'production' && url.protocol === 'http:' && !isLoopback(host)) {
    return 'must begin with https: in production, unless the host is this machine (127.0.0.1, ::1 or localhost)';
  }
  return undefined;
}
