import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config.ts';

/** A file as the configuration names it. */
export interface NamedFile {
  /** The variable, for messages. */
  readonly env: string;
  readonly path: string;
}

/** Which files belong together: a certificate chain with its key, authorities, or all three. */
export interface CertificateFiles {
  /** What they are for, a label of metrics: `links`, `http`. */
  readonly name: string;
  readonly cert?: NamedFile | undefined;
  readonly key?: NamedFile | undefined;
  readonly ca?: NamedFile | undefined;
}

/** What stands in the files (PEM), as `node:tls` takes it. */
export interface Pem {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

/** Certificates as they are now; they may be replaced while they are in use. */
export interface TlsSource {
  readonly current: Pem;
  /** Called after each replacement. For as long as the process lives: there is no way to take it back. */
  onChange(changed: () => void): void;
}

/** What became of a look at the files. */
export type Reread =
  | { readonly t: 'same' }
  | { readonly t: 'taken' }
  /** `told`: the same was refused before, for the same reason. */
  | { readonly t: 'refused'; readonly why: string; readonly told: boolean };

interface Read {
  readonly pem: Pem;
  readonly cert: Span | undefined;
  readonly ca: Span | undefined;
}

/** When certificates are valid, in milliseconds since 1970. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Certificates in files that somebody else replaces: `reread` takes what stands there now. What can't be used (half of
 * it is written, the key is another one's, it is not valid at this time) is refused, and what was there before stays: a
 * certificate of yesterday is better than none.
 */
export class Certificates implements TlsSource {
  readonly name: string;
  readonly #files: CertificateFiles;
  readonly #listeners: (() => void)[] = [];
  #read: Read;
  #refused = '';
  #takenCount = 0;
  #refusedCount = 0;

  private constructor(files: CertificateFiles, read: Read) {
    this.name = files.name;
    this.#files = files;
    this.#read = read;
  }

  /**
   * Throws a ConfigError for files that can't be read or don't belong together. One that is not valid at this time is
   * taken all the same (`problem` says so): whoever replaces it needs no restart then.
   */
  static async load(files: CertificateFiles): Promise<Certificates> {
    const pem = await readAll(files);
    return new Certificates(files, checked(files, pem));
  }

  get current(): Pem {
    return this.#read.pem;
  }

  /** Until when, in milliseconds since 1970: of a chain the first to expire, of authorities the last. */
  get expiry(): { readonly cert: number | undefined; readonly ca: number | undefined } {
    return { cert: this.#read.cert?.toMs, ca: this.#read.ca?.toMs };
  }

  /** Why others will refuse what is in use; undefined while it is valid. */
  problem(nowMs: number): string | undefined {
    return invalidity(this.#files, this.#read, nowMs);
  }

  /** Replacements taken and refused so far, and whether the files hold something else than what is in use. */
  get counts(): { readonly taken: number; readonly refused: number; readonly stale: boolean } {
    return { taken: this.#takenCount, refused: this.#refusedCount, stale: this.#refused !== '' };
  }

  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  /** Looks at the files again. Never rejects. */
  async reread(nowMs: number): Promise<Reread> {
    try {
      const pem = await readAll(this.#files);
      if (same(pem, this.#read.pem)) {
        this.#refused = '';
        return { t: 'same' };
      }
      const read = checked(this.#files, pem);
      const why = invalidity(this.#files, read, nowMs);
      if (why !== undefined) return this.#refuse(why);
      this.#read = read;
      this.#refused = '';
      this.#takenCount += 1;
      for (const changed of this.#listeners) changed();
      return { t: 'taken' };
    } catch (error) {
      return this.#refuse((error as Error).message);
    }
  }

  #refuse(why: string): Reread {
    const told = this.#refused === why;
    if (!told) this.#refusedCount += 1;
    this.#refused = why;
    return { t: 'refused', why, told };
  }
}

const parts = ['cert', 'key', 'ca'] as const;

async function readAll(files: CertificateFiles): Promise<Pem> {
  const read: { cert?: Buffer; key?: Buffer; ca?: Buffer } = {};
  for (const part of parts) {
    const file = files[part];
    if (file !== undefined) read[part] = await readPem(file);
  }
  return read;
}

async function readPem({ env, path }: NamedFile): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ConfigError([`${env} must name a readable file: ${(error as Error).message}`]);
  }
}

function same(one: Pem, other: Pem): boolean {
  return parts.every((part) => {
    const [a, b] = [one[part], other[part]];
    return a === undefined || b === undefined ? a === b : a.equals(b);
  });
}

/** Throws a ConfigError that names the variables where the files don't belong together. */
function checked(files: CertificateFiles, pem: Pem): Read {
  const named = parts.flatMap((part) => files[part]?.env ?? []);
  try {
    const chain = certificatesIn(pem.cert);
    const [leaf] = chain;
    if (leaf !== undefined && pem.key !== undefined && !leaf.checkPrivateKey(createPrivateKey(pem.key)))
      throw new Error('the key is not the certificate’s');
    createSecureContext(pem);
    const authorities = certificatesIn(pem.ca);
    return {
      pem,
      // All of a chain must hold; of several authorities one is enough.
      cert: leaf && spanOf(chain, Math.max, Math.min),
      ca: authorities.length === 0 ? undefined : spanOf(authorities, Math.min, Math.max),
    };
  } catch (error) {
    const words = named.length > 1 ? `${named.join(', ')} do not fit` : `${named.join()} can not be used`;
    throw new ConfigError([`${words}: ${(error as Error).message}`]);
  }
}

/** The certificates of a file, at least one; none where there is no file. */
function certificatesIn(pem: Buffer | undefined): X509Certificate[] {
  if (pem === undefined) return [];
  const found = pem.toString('latin1').match(pemCertificate) ?? [];
  if (found.length === 0) throw new Error('a file holds no certificate');
  return found.map((text) => new X509Certificate(text));
}

function spanOf(
  certificates: readonly X509Certificate[],
  from: (...times: number[]) => number,
  to: (...times: number[]) => number,
): Span {
  return {
    fromMs: from(...certificates.map(({ validFromDate }) => validFromDate.getTime())),
    toMs: to(...certificates.map(({ validToDate }) => validToDate.getTime())),
  };
}

function invalidity(files: CertificateFiles, read: Read, nowMs: number): string | undefined {
  for (const part of ['cert', 'ca'] as const) {
    const [span, file] = [read[part], files[part]];
    if (span === undefined || file === undefined) continue;
    if (span.toMs <= nowMs) return `${file.env} expired at ${new Date(span.toMs).toISOString()}`;
    if (span.fromMs > nowMs) return `${file.env} is not valid before ${new Date(span.fromMs).toISOString()}`;
  }
  return undefined;
}
