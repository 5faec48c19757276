import { z } from 'zod';
import type { Certificates } from './certificates.ts';
import type { Clock } from './clock.ts';
import { option, type OptionTable } from './config.ts';
import type { Logger } from './log.ts';
import type { LabelledValues, Meters } from './meters.ts';
import type { Service } from './service.ts';

export const certificateOptions = {
  rereadMs: option({
    env: 'PARLEY_TLS_REREAD_MS',
    type: z.int().min(100).max(3_600_000),
    default: 10_000,
    doc: 'How often the files of certificates are looked at, in milliseconds; SIGHUP has it done at once. What is new there goes for connections made from then on.',
  }),
} satisfies OptionTable;

export interface CertificateWatchParts {
  /** All that this process uses; those that are not configured are left out. */
  readonly certificates: readonly (Certificates | undefined)[];
  readonly rereadMs: number;
  readonly clock: Clock;
  readonly meters: Meters;
  readonly log: Logger;
}

/**
 * Looks at the files of certificates every few seconds, and at SIGHUP. By reading them, not by watching the directory:
 * they may be links that are swapped, or on a file system that tells nobody.
 */
export class CertificateWatch implements Service {
  readonly name = 'certificates';
  readonly #parts: CertificateWatchParts;
  readonly #all: readonly Certificates[];
  readonly #onSignal = (): void => void this.look();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
    this.#all = parts.certificates.filter((one) => one !== undefined);
    this.#register(parts.meters);
  }

  async start(): Promise<void> {
    // Without certificates SIGHUP stays what it is: the end, when a terminal closes.
    if (this.#all.length === 0) return;
    const { clock, rereadMs, log } = this.#parts;
    for (const one of this.#all) {
      const problem = one.problem(clock.wallMs());
      if (problem !== undefined)
        log.error(
          'a certificate is of no use: others will refuse it',
          { 'event.action': 'certificate-invalid', 'parley.certificate': one.name },
          problem,
        );
    }
    process.on('SIGHUP', this.#onSignal);
    this.#timer = setInterval(this.#onSignal, rereadMs);
    this.#timer.unref();
  }

  /** Resolves when all files have been looked at. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async stop(): Promise<void> {
    process.off('SIGHUP', this.#onSignal);
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const { clock, log } = this.#parts;
    for (const one of this.#all) {
      const outcome = await one.reread(clock.wallMs());
      const fields = { 'parley.certificate': one.name };
      if (outcome.t === 'taken') {
        log.info('certificates were replaced', { 'event.action': 'certificate-replaced', ...fields });
      } else if (outcome.t === 'refused' && !outcome.told) {
        log.error(
          'new certificates are refused: those before stay in use',
          { 'event.action': 'certificate-refused', ...fields },
          outcome.why,
        );
      }
    }
  }

  #register(meters: Meters): void {
    const each = (values: (one: Certificates) => LabelledValues) => () => this.#all.flatMap(values);
    meters.gauge(
      'chat_certificate_expiry_seconds',
      'When what is in use expires, in seconds since 1970, by what it is for; authorities have names that end in -ca.',
      each(({ name, expiry: { cert, ca } }) => [
        ...(cert === undefined ? [] : [[{ listener: name }, cert / 1000] as const]),
        ...(ca === undefined ? [] : [[{ listener: `${name}-ca` }, ca / 1000] as const]),
      ]),
      'listener',
    );
    meters.gauge(
      'chat_certificate_stale',
      '1 while the files hold something that was refused, and what was there before is in use.',
      each(({ name, counts }) => [[{ listener: name }, counts.stale ? 1 : 0]]),
      'listener',
    );
    meters.total(
      'chat_certificate_reloads_total',
      'Replaced certificates, by whether they were taken.',
      each(({ name, counts }) => [
        [{ listener: name, result: 'taken' }, counts.taken],
        [{ listener: name, result: 'refused' }, counts.refused],
      ]),
      'listener',
      'result',
    );
  }
}
