import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LinkTls } from '../../services/core/link-tls.ts';

const run = promisify(execFile);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority made by openssl for a test, and certificates that it signs. */
export class Authority implements AsyncDisposable {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(): Promise<Authority> {
    const authority = new Authority(await mkdtemp(join(tmpdir(), 'parley-certificates-')));
    const { cert, key } = authority.files('ca');
    const subject = ['-subj', `/CN=authority ${randomUUID()}`];
    await run('openssl', ['req', '-x509', ...curve, ...subject, '-days', '2', '-keyout', key, '-out', cert]);
    return authority;
  }

  /** Makes a certificate for a node, with its key. */
  async sign(name: string): Promise<void> {
    const [own, ca] = [this.files(name), this.files('ca')];
    const request = join(this.#dir, `${name}.csr`);
    await run('openssl', ['req', ...curve, '-subj', `/CN=${name}`, '-keyout', own.key, '-out', request]);
    const by = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', '2'];
    await run('openssl', ['x509', '-req', '-in', request, ...by, '-out', own.cert]);
  }

  files(name: string): { readonly cert: string; readonly key: string; readonly ca: string } {
    const of = (end: string) => join(this.#dir, end);
    return { cert: of(`${name}.pem`), key: of(`${name}.key`), ca: of('ca.pem') };
  }

  async write(name: string, text: string): Promise<string> {
    const path = join(this.#dir, name);
    await writeFile(path, text);
    return path;
  }

  /** A certificate that it has signed, as a node loads it. */
  async tls(name: string): Promise<LinkTls> {
    await this.sign(name);
    const { cert, key, ca } = this.files(name);
    return { cert: await readFile(cert), key: await readFile(key), ca: await readFile(ca) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}
