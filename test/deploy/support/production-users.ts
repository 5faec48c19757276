import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { root } from '../../../scripts/paths.ts';
import { until } from '../../e2e/support/until.ts';

const run = promisify(execFile);

/** A browser that trusts nobody but the key of this certificate, besides those that it trusts by itself. */
export function browserThatTrusts(certificate: string): Promise<Browser> {
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  const key = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }));
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      `--ignore-certificate-errors-spki-list=${key.digest('base64')}`,
    ],
  });
}

export interface Door {
  readonly host: string;
  /** The authority of its certificate. */
  readonly authority: string;
  readonly token: string;
}

/** REST by curl, which tries again for a while: the answer to what was asked. */
export async function curl<T>(
  { host, authority, token }: Door,
  method: string,
  path: string,
  body?: object,
  headers: readonly string[] = [],
): Promise<T> {
  const { stdout } = await run('curl', [
    ...['--silent', '--show-error', '--fail', '--max-time', '20', '--cacert', authority],
    // What a server that is lost has answered is asked again: of another, under the same client id.
    ...['--retry', '20', '--retry-delay', '1', '--retry-connrefused'],
    ...['--request', method, '--header', `authorization: Bearer ${token}`],
    ...headers.flatMap((header) => ['--header', header]),
    ...(body === undefined ? [] : ['--json', JSON.stringify(body)]),
    `https://${host}/api/v1${path}`,
  ]);
  return JSON.parse(stdout) as T;
}

/** Somebody at a terminal: `parley chat`, a client of gRPC. */
export class TerminalUser implements AsyncDisposable {
  readonly #child: ChildProcess;
  #shown = '';

  constructor({ host, authority, token }: Door, name: string, group: string) {
    this.#child = spawn(process.execPath, [
      ...[join(root, 'services', 'main.ts'), 'chat', name, '--group', group],
      ...['--server', `${host}:443`, '--ca', authority, '--token', token],
    ]);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#shown += chunk.toString()));
  }

  say(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  async sees(text: string): Promise<void> {
    await until(
      () => this.#shown.includes(text),
      () => `“${text}” is not on the terminal: ${this.#shown}`,
    );
  }

  /** Leaves, when all that was said is sent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
    assert.equal(this.#child.exitCode, 0, this.#shown);
  }
}
