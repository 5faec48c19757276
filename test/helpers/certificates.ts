import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pem, TlsSource } from '../../services/core/certificates.ts';

const run = promisify(execFile);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const dayMs = 24 * 3_600 * 1_000;

export interface Signing {
  /** When it begins and ends to be valid, in days from now. Default: from yesterday to tomorrow. */
  readonly days?: readonly [from: number, to: number];
  /** What it is good for by name: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
}

/** A certificate with its key, and the authority: a node as it is loaded. */
export interface NodePem extends Pem {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Certificates that nobody replaces. */
export function steady(pem: Pem): TlsSource {
  return { current: pem, onChange: () => {} };
}

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
  async sign(name: string, { days = [-1, 1], names }: Signing = {}): Promise<void> {
    const [own, ca] = [this.files(name), this.files('ca')];
    const request = join(this.#dir, `${name}.csr`);
    await run('openssl', ['req', ...curve, '-subj', `/CN=${name}`, '-keyout', own.key, '-out', request]);
    const [from, to] = days.map((day) => openSslTime(Date.now() + day * dayMs)) as [string, string];
    const list = await this.write('index.txt', '');
    const settings = [
      '[ca]',
      'default_ca = own',
      '[own]',
      `database = ${list}`,
      `serial = ${await this.write('serial', '01\n')}`,
      `new_certs_dir = ${this.#dir}`,
      'default_md = sha256',
      'policy = any',
      'unique_subject = no',
      ...(names === undefined ? [] : ['x509_extensions = named']),
      '[any]',
      'commonName = supplied',
      '[named]',
      ...(names === undefined ? [] : [`subjectAltName = ${names}`]),
      '',
    ];
    const config = await this.write(`${name}.cnf`, settings.join('\n'));
    const by = ['-cert', ca.cert, '-keyfile', ca.key, '-startdate', from, '-enddate', to];
    const made = ['ca', '-batch', '-notext', '-config', config, ...by, '-in', request, '-out', own.cert];
    await run('openssl', made);
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

  /** Puts the certificate and key of one name in place of another's, of this authority or of another one. */
  async replace(name: string, by: string, authority: Authority = this): Promise<void> {
    const [own, other] = [this.files(name), authority.files(by)];
    for (const part of ['cert', 'key'] as const) {
      // At once, as those do it who renew certificates.
      await copyFile(other[part], `${own[part]}.new`);
      await rename(`${own[part]}.new`, own[part]);
    }
  }

  /** A certificate that it has signed, as a node loads it. */
  async tls(name: string, signing: Signing = {}): Promise<NodePem> {
    await this.sign(name, signing);
    const { cert, key, ca } = this.files(name);
    return { cert: await readFile(cert), key: await readFile(key), ca: await readFile(ca) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** YYYYMMDDHHMMSSZ */
function openSslTime(ms: number): string {
  return `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}
