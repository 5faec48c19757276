import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Authority } from '../../test/helpers/certificates.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { Certificates } from './certificates.ts';
import { systemClock } from './clock.ts';
import { type LogFields, type Logger, silentLogger } from './log.ts';
import { Meters } from './meters.ts';

const quietMs = 3_600_000;

/** A watch over the certificates of a door, and what it writes down. */
async function watched(rereadMs: number, days: readonly [number, number] = [-1, 1]) {
  const authority = await Authority.make();
  await authority.sign('door', { days });
  const { cert, key } = authority.files('door');
  const certificates = await Certificates.load({
    name: 'http',
    cert: { env: 'A_CERT', path: cert },
    key: { env: 'A_KEY', path: key },
  });
  const lines: { readonly action: string | undefined; readonly error: unknown }[] = [];
  let heard = (): void => {};
  const note = (_: string, fields?: LogFields, error?: unknown): void => {
    lines.push({ action: fields?.['event.action'], error });
    heard();
  };
  const log: Logger = { ...silentLogger, info: note, error: note };
  const meters = new Meters();
  const parts = { certificates: [certificates, undefined], rereadMs, clock: systemClock, meters, log };
  const watch = new CertificateWatch(parts);
  await watch.start();
  return {
    authority,
    certificates,
    watch,
    lines,
    key,
    /** Resolves with the next line that is written. */
    line: () => new Promise<void>((resolve) => (heard = resolve)),
    metric: (name: string) => {
      const found = meters.read(() => {}).find((one) => one.name === name);
      return found !== undefined && found.t !== 'histogram' ? found.values : [];
    },
    async [Symbol.asyncDispose]() {
      await watch.stop();
      await authority[Symbol.asyncDispose]();
    },
  };
}

test('replaced certificates are found by looking', async () => {
  await using place = await watched(100);
  await place.authority.sign('next', { days: [-1, 30] });
  const line = place.line();
  await place.authority.replace('door', 'next');
  await line;
  // The look may have come between the two files.
  while (place.certificates.counts.taken === 0) await place.watch.look();
  assert.equal(place.lines.at(-1)?.action, 'certificate-replaced');
  const [[labels, seconds] = [{}, 0]] = place.metric('chat_certificate_expiry_seconds');
  assert.deepEqual(labels, { listener: 'http' });
  assert.ok(Math.abs(seconds - Date.now() / 1000 - 30 * 24 * 3_600) < 60, `${seconds}`);
});

test('SIGHUP has them looked at, and what is of no use is refused, once told', async () => {
  await using place = await watched(quietMs);
  const line = place.line();
  await writeFile(place.key, 'nonsense');
  process.kill(process.pid, 'SIGHUP');
  await line;
  await place.watch.look();
  assert.deepEqual(
    place.lines.map(({ action }) => action),
    ['certificate-refused'],
  );
  assert.match(String(place.lines[0]?.error), /A_CERT, A_KEY do not fit/);
  assert.deepEqual(place.metric('chat_certificate_stale'), [[{ listener: 'http' }, 1]]);
  assert.deepEqual(place.metric('chat_certificate_reloads_total'), [
    [{ listener: 'http', result: 'taken' }, 0],
    [{ listener: 'http', result: 'refused' }, 1],
  ]);
});

test('one that has expired is told of at the start', async () => {
  await using place = await watched(quietMs, [-3, -1]);
  assert.equal(place.lines[0]?.action, 'certificate-invalid');
  assert.match(String(place.lines[0]?.error), /A_CERT expired/);
});

test('without certificates SIGHUP ends the process, as ever', async () => {
  const parts = { rereadMs: 100, clock: systemClock, meters: new Meters(), log: silentLogger };
  const watch = new CertificateWatch({ ...parts, certificates: [undefined] });
  await watch.start();
  assert.equal(process.listenerCount('SIGHUP'), 0);
  await watch.stop();
});
