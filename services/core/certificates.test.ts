import assert from 'node:assert/strict';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { after, beforeEach, describe, it } from 'node:test';
import { Authority } from '../../test/helpers/certificates.ts';
import { Certificates } from './certificates.ts';
import { ConfigError } from './config.ts';

const dayMs = 24 * 3_600 * 1_000;

describe('certificates in files', () => {
  let authority: Authority;
  let certificates: Certificates;
  let changes = 0;
  const made: Authority[] = [];
  beforeEach(async () => {
    authority = await Authority.make();
    made.push(authority);
    await authority.sign('node', { days: [-2, 1] });
    certificates = await load();
    changes = 0;
    certificates.onChange(() => (changes += 1));
  });
  after(() => Promise.all(made.map((one) => one[Symbol.asyncDispose]())));

  function load(): Promise<Certificates> {
    const { cert, key, ca } = authority.files('node');
    return Certificates.load({
      name: 'links',
      cert: { env: 'A_CERT', path: cert },
      key: { env: 'A_KEY', path: key },
      ca: { env: 'A_CA', path: ca },
    });
  }

  /** Looks again; what was there before must still be in use where `words` says why the new is refused. */
  async function refused(words: RegExp): Promise<void> {
    const before = certificates.current;
    const outcome = await certificates.reread(Date.now());
    assert.ok(outcome.t === 'refused', outcome.t);
    assert.match(outcome.why, words);
    assert.equal(outcome.told, false);
    assert.deepEqual(await certificates.reread(Date.now()), { ...outcome, told: true });
    assert.equal(certificates.current, before);
    assert.equal(changes, 0);
    assert.deepEqual(certificates.counts, { taken: 0, refused: 1, stale: true });
  }

  it('stay what they are while nobody replaces them', async () => {
    const { current } = certificates;
    assert.deepEqual(await certificates.reread(Date.now()), { t: 'same' });
    assert.equal(certificates.current, current);
    assert.equal(changes, 0);
  });

  it('are taken when they are replaced', async () => {
    const { cert = 0, ca = 0 } = certificates.expiry;
    assert.ok(Math.abs(cert - Date.now() - dayMs) < 60_000, new Date(cert).toISOString());
    assert.ok(Math.abs(ca - Date.now() - 2 * dayMs) < 60_000, new Date(ca).toISOString());
    await authority.sign('next', { days: [-1, 30] });
    await authority.replace('node', 'next');
    assert.deepEqual(await certificates.reread(Date.now()), { t: 'taken' });
    assert.equal(changes, 1);
    assert.ok((certificates.expiry.cert ?? 0) > cert);
    assert.deepEqual(certificates.counts, { taken: 1, refused: 0, stale: false });
    assert.deepEqual(await certificates.reread(Date.now()), { t: 'same' });
  });

  it('are refused while half of them is replaced, and taken when the other half is', async () => {
    await authority.sign('next');
    const [own, next] = [authority.files('node'), authority.files('next')];
    await copyFile(next.cert, own.cert);
    await refused(/A_CERT, A_KEY, A_CA do not fit: the key is not the certificate/);
    await copyFile(next.key, own.key);
    assert.deepEqual(await certificates.reread(Date.now()), { t: 'taken' });
    assert.equal(certificates.counts.stale, false);
  });

  it('are refused when they have expired', async () => {
    await authority.sign('old', { days: [-3, -1] });
    await authority.replace('node', 'old');
    await refused(/A_CERT expired at 20/);
  });

  it('are refused while they are not valid yet, and taken once they are', async () => {
    await authority.sign('early', { days: [1, 3] });
    await authority.replace('node', 'early');
    await refused(/A_CERT is not valid before 20/);
    assert.deepEqual(await certificates.reread(Date.now() + 1.5 * dayMs), { t: 'taken' });
  });

  it('are refused when they are none, or gone', async () => {
    const { ca } = authority.files('node');
    await writeFile(ca, 'nothing of the kind');
    await refused(/a file holds no certificate/);
    await rm(ca);
    const outcome = await certificates.reread(Date.now());
    assert.ok(outcome.t === 'refused' && /A_CA must name a readable file/.test(outcome.why));
  });

  it('are no longer refused when the former ones are put back', async () => {
    const { key } = authority.files('node');
    await writeFile(key, '');
    await refused(/do not fit/);
    await writeFile(key, certificates.current.key as Buffer);
    assert.deepEqual(await certificates.reread(Date.now()), { t: 'same' });
    assert.equal(certificates.counts.stale, false);
  });

  it('count by the whole chain: the first one to expire', async () => {
    const { cert } = authority.files('node');
    await authority.sign('intermediate', { days: [-1, 0.5] });
    await writeFile(
      cert,
      [await readFile(cert), await readFile(authority.files('intermediate').cert)].join(''),
    );
    const chain = await load();
    assert.ok((chain.expiry.cert ?? 0) < Date.now() + 0.6 * dayMs);
  });

  it('that have expired do not keep a server from starting, and say so', async () => {
    await authority.sign('old', { days: [-3, -1] });
    await authority.replace('node', 'old');
    assert.match((await load()).problem(Date.now()) ?? '', /A_CERT expired/);
  });

  it('that are of no use do', async () => {
    await authority.sign('other');
    const { cert, ca } = authority.files('node');
    const wrong = Certificates.load({
      name: 'http',
      cert: { env: 'A_CERT', path: cert },
      key: { env: 'A_KEY', path: authority.files('other').key },
    });
    await assert.rejects(
      wrong,
      (error) => error instanceof ConfigError && /A_CERT, A_KEY/.test(error.message),
    );
    const empty = Certificates.load({ name: 'x', ca: { env: 'A_CA', path: `${ca}.none` } });
    await assert.rejects(empty, ConfigError);
  });
});
