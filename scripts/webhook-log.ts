import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** Bytes of one webhook that are written down. */
const keptBytes = 4_000;

/**
 * A receiver of webhooks on this machine that writes what comes into `webhooks.log`, and the file of endpoints that names
 * it. Returns the path of that file; the receiver goes on until this process ends.
 */
export async function logWebhooks(directory: string): Promise<string> {
  const log = createWriteStream(join(directory, 'webhooks.log'));
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body = (body + chunk.toString()).slice(0, keptBytes)));
    request.on('end', () => {
      log.write(`${body}\n`);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const file = join(directory, 'webhooks.json');
  const endpoint = {
    name: 'log',
    url: `http://127.0.0.1:${port}/`,
    secrets: [await secretOf(file)],
    events: [
      'message.created',
      'message.offline',
      'group.created',
      'group.member_added',
      'group.member_removed',
    ],
  };
  await writeFile(file, JSON.stringify({ endpoints: [endpoint] }), { mode: 0o600 });
  return file;
}

/** The secret of the run before, or a new one. */
async function secretOf(file: string): Promise<string> {
  const written = await readFile(file, 'utf8').catch(() => '');
  return /whsec_[\w+/=]+/.exec(written)?.[0] ?? `whsec_${randomBytes(32).toString('base64')}`;
}
