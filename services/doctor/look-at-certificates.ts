import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Config, optionTables } from '../options.ts';
import { type Finding, Findings } from './finding.ts';

const dayMs = 86_400_000;
const soonDays = 21;

interface Files {
  readonly env: string;
  readonly cert: string;
  /** Undefined: none is configured beside it. */
  readonly key: string | undefined;
  readonly ca: string | undefined;
}

/** The certificates that the configuration names: whether they are good now, and for a while. */
export async function lookAtCertificates(config: Config, nowMs: number): Promise<readonly Finding[]> {
  const findings = new Findings('certificates');
  const files = namedFiles(config);
  for (const each of certificateFiles(files)) await lookAt(each, nowMs, findings);
  for (const [env, ca] of files) if (/_CA(_FILE)?$/.test(env)) await authorities(env, ca, nowMs, findings);
  return findings.all;
}

/** What is set, by its variable. */
function namedFiles(config: Config): ReadonlyMap<string, string> {
  const set = new Map<string, string>();
  for (const [part, table] of Object.entries(optionTables)) {
    const values = config[part as keyof Config] as Readonly<Record<string, unknown>>;
    for (const [name, { env }] of Object.entries(table)) {
      const value = values[name];
      if (typeof value === 'string' && value !== '') set.set(env, value);
    }
  }
  return set;
}

/** Every option `…_CERT` or `…_CERT_FILE` that is set, with the key that belongs to it. */
function certificateFiles(set: ReadonlyMap<string, string>): Files[] {
  return [...set].flatMap(([env, cert]) => {
    if (!/_CERT(_FILE)?$/.test(env)) return [];
    const beside = (word: string) => set.get(env.replace(/CERT(?=(_FILE)?$)/, word));
    // Among nodes, whoever checks has the same authorities; a database's have signed the database's certificate.
    const ca = env.startsWith('PARLEY_LINK_TLS_') ? beside('CA') : undefined;
    return [{ env, cert, key: beside('KEY'), ca }];
  });
}

async function lookAt({ env, cert, key, ca }: Files, nowMs: number, findings: Findings): Promise<void> {
  let chain: readonly X509Certificate[];
  try {
    chain = certificatesOf(await readFile(cert, 'utf8'));
  } catch (error) {
    findings.error(
      `${env} can't be read: ${(error as Error).message}.`,
      'Name a PEM file that this user may read.',
    );
    return;
  }
  const [leaf] = chain;
  if (leaf === undefined) {
    findings.error(
      `${env} holds no certificate.`,
      'Name a PEM file with the certificate, and its chain behind it.',
    );
    return;
  }
  validity(env, chain, nowMs, findings);
  if (key !== undefined) await ownKey(env, leaf, key, findings);
  if (ca !== undefined) await signedBy(env, chain, ca, findings);
}

function validity(env: string, chain: readonly X509Certificate[], nowMs: number, findings: Findings): void {
  const first = chain.reduce((one, other) => (endOf(other) < endOf(one) ? other : one));
  const endMs = endOf(first);
  const until = new Date(endMs).toISOString().slice(0, 10);
  const name = subjectOf(first);
  const late = chain.find(({ validFrom }) => Date.parse(validFrom) > nowMs);
  if (late !== undefined)
    findings.error(
      `${env}: ${subjectOf(late)} is not valid before ${late.validFrom}.`,
      'Set the clock of this machine right, or wait.',
    );
  if (endMs <= nowMs)
    findings.error(`${env}: ${name} has expired on ${until}.`, 'Renew it; nobody connects until then.');
  else if (endMs - nowMs < soonDays * dayMs)
    findings.warning(
      `${env}: ${name} expires on ${until}, in ${Math.floor((endMs - nowMs) / dayMs)} days.`,
      'Renew it now.',
    );
  else if (late === undefined) findings.ok(`${env}: ${name} is good until ${until}.`);
}

async function ownKey(env: string, leaf: X509Certificate, key: string, findings: Findings): Promise<void> {
  try {
    if (leaf.checkPrivateKey(createPrivateKey(await readFile(key)))) return;
    findings.error(`${env}: ${key} is the key of another certificate.`, 'Name the key that belongs to it.');
  } catch (error) {
    findings.error(
      `${env}: the key ${key} can't be read: ${(error as Error).message}.`,
      'Name a PEM file without a passphrase that this user may read.',
    );
  }
}

async function signedBy(
  env: string,
  chain: readonly X509Certificate[],
  ca: string,
  findings: Findings,
): Promise<void> {
  // Where it can't be read, that is told of the authorities themselves.
  const issuers = await readFile(ca, 'utf8')
    .then(certificatesOf)
    .catch(() => undefined);
  if (issuers === undefined) return;
  const signed = chain.some((certificate) =>
    issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)),
  );
  if (!signed)
    findings.error(
      `${env}: no authority in ${ca} has signed it: other nodes refuse this one.`,
      'Have it signed by the authority of this cluster.',
    );
}

async function authorities(env: string, ca: string, nowMs: number, findings: Findings): Promise<void> {
  try {
    const issuers = certificatesOf(await readFile(ca, 'utf8'));
    if (issuers.length === 0)
      findings.error(`${env}: ${ca} holds no certificate.`, 'Name a PEM file with those of the authorities.');
    for (const issuer of issuers)
      if (endOf(issuer) - nowMs < soonDays * dayMs)
        findings.error(
          `The authority ${subjectOf(issuer)} in ${ca} expires on ${new Date(endOf(issuer)).toISOString().slice(0, 10)}.`,
          'Make a new one, name a file with both for a while, and sign the certificates anew.',
        );
  } catch (error) {
    findings.error(`${env}: ${ca} can't be read: ${(error as Error).message}.`, 'Name a PEM file.');
  }
}

function certificatesOf(pem: string): X509Certificate[] {
  const parts = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return parts.map((part) => new X509Certificate(part));
}

function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

function subjectOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ') || 'the certificate';
}
