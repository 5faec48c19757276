import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';

/**
 * Stands for the people who are called, and for the application that is told: `receiver.ts DIRECTORY SECRETS ALERTS WEBHOOKS`
 * writes what Alertmanager sends to its first port into alerts.log of the directory, and what comes to its second port, by
 * TLS, into webhooks.log: a line of JSON each.
 */

/** Bytes of a body that are written down. */
const keptBytes = 64 * 1024;

const [directory = '', secrets = '', alertsPort, webhooksPort] = process.argv.slice(2);

function intoLog(name: string): (request: IncomingMessage, response: ServerResponse) => void {
  const log: WriteStream = createWriteStream(join(directory, name), { flags: 'a' });
  return (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body = (body + chunk).slice(0, keptBytes)));
    request.on('error', () => {});
    request.on('end', () => {
      const { url: path, headers } = request;
      const line = { at: new Date().toISOString(), path, trace: headers['traceparent'], body: parsed(body) };
      log.write(`${JSON.stringify(line)}\n`, () => response.writeHead(204).end());
    });
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

createServer(intoLog('alerts.log')).listen(Number(alertsPort), '127.0.0.1');
createTlsServer(
  {
    cert: await readFile(join(secrets, 'receiver-cert.pem')),
    key: await readFile(join(secrets, 'receiver-key.pem')),
  },
  intoLog('webhooks.log'),
).listen(Number(webhooksPort));
