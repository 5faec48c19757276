import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface EndpointDeclaration {
  readonly name?: string;
  readonly url: string;
  readonly secrets?: readonly string[];
  readonly events: readonly string[];
  readonly in_flight?: number;
}

/** A file of endpoints, which goes when the test does. */
export class WebhooksFile implements AsyncDisposable {
  readonly directory: string;
  readonly path: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.path = join(directory, 'webhooks.json');
  }

  static async write(...endpoints: readonly EndpointDeclaration[]): Promise<WebhooksFile> {
    const file = new WebhooksFile(await mkdtemp(join(tmpdir(), 'parley-webhooks-')));
    const declared = endpoints.map((each) => ({ name: 'app', secrets: [secret], ...each }));
    await writeFile(file.path, JSON.stringify({ endpoints: declared }));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

/** Retries that a test has the patience for. */
export const quickRetries = { PARLEY_WEBHOOK_FIRST_RETRY_MS: '20', PARLEY_WEBHOOK_MAX_RETRY_MS: '100' };

/** Asks the REST door as a user, in development mode. */
export async function rest(
  port: number,
  user: string,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
    method,
    headers: {
      'parley-user': user,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}
