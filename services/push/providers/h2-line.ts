import { type BackoffConfig, backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { type H2Exchange, type H2Outcome, H2Session } from './h2-session.ts';

export interface H2LineInit {
  /** As in logs. */
  readonly name: string;
  /** `https://host:port`. */
  readonly origin: string;
  readonly ca: string | undefined;
  /** Requests under way at once, at most, whatever more the service allows. */
  readonly inFlight: number;
  /** Requests that wait for their turn, at most. */
  readonly mostWaiting: number;
  /**
   * For an answer, from when the request is sent; and again for its wait until then, with the connection that it may
   * need.
   */
  readonly timeoutMs: number;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** Between attempts to connect. */
  readonly backoff: BackoffConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export type LineOutcome =
  | Extract<H2Outcome, { readonly t: 'answered' }>
  /** `afterMs`: before that the line will not try to connect. */
  | { readonly t: 'failed'; readonly reason: string; readonly afterMs?: number };

interface Job {
  /** By the order in which they came. */
  readonly no: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly settle: (outcome: LineOutcome) => void;
  exchange: H2Exchange | undefined;
  turnTimer: NodeJS.Timeout | undefined;
  /** It has waited for its turn as long as it may: it is not sent from now on. */
  late: boolean;
  /** Times that it was handed to a session for nothing. */
  tries: number;
  settled: boolean;
}

/**
 * A request that a service has not looked at is sent again, as long as there is time and others get through; one that is
 * refused itself, or by connections that are good for nobody, is given back.
 */
const mostTries = 3;
/** Connections that drain end with the last request on them; while so many are there, no further one is made. */
const mostSessions = 8;

/**
 * Requests to a service over one long-lived HTTP/2 connection. It connects when the first request comes, takes another
 * connection when the service says goodbye to this one, and waits longer and longer between attempts while there is no
 * service. No more requests are under way than the service allows; those that have no room wait, and are few.
 */
export class H2Line {
  readonly #init: H2LineInit;
  readonly #waiting: Job[] = [];
  /** All that have not ended: the current one, and those that drain. */
  readonly #sessions = new Set<H2Session>();
  #current: H2Session | undefined;
  #jobs = 0;
  #failures = 0;
  #connectAtMs = Number.NEGATIVE_INFINITY;
  #lastReason = '';
  #closed = false;

  constructor(init: H2LineInit) {
    this.#init = init;
  }

  /** Requests that wait for room. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** POSTs. Never rejects. */
  request(
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<LineOutcome> {
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) return Promise.resolve(refusal);
    const { timeoutMs } = this.#init;
    const { promise, resolve } = Promise.withResolvers<LineOutcome>();
    const abort = (): void => {
      // The outcome of an exchange may already be known in part.
      if (job.exchange !== undefined) job.exchange.cancel('aborted');
      else job.settle({ t: 'failed', reason: 'aborted' });
    };
    const job: Job = {
      no: this.#jobs++,
      headers,
      body,
      exchange: undefined,
      turnTimer: undefined,
      late: false,
      tries: 0,
      settled: false,
      settle: (outcome) => {
        if (job.settled) return;
        job.settled = true;
        clearTimeout(job.turnTimer);
        signal?.removeEventListener('abort', abort);
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve(outcome);
      },
    };
    signal?.addEventListener('abort', abort);
    this.#waiting.push(job);
    this.#pump();
    // After the timer of the connection that it may have made, which knows more of what is wrong.
    job.turnTimer = setTimeout(() => {
      job.late = true;
      if (job.exchange === undefined) job.settle({ t: 'failed', reason: `no turn within ${timeoutMs} ms` });
    }, timeoutMs);
    return promise;
  }

  /** Cuts off what is under way. */
  close(): void {
    this.#closed = true;
    for (const session of this.#sessions) session.destroy();
    for (const job of [...this.#waiting]) job.settle({ t: 'failed', reason: 'closed' });
  }

  #refusal(signal: AbortSignal | undefined): LineOutcome | undefined {
    if (this.#closed) return { t: 'failed', reason: 'closed' };
    if (signal?.aborted) return { t: 'failed', reason: 'aborted' };
    if (this.#waiting.length >= this.#init.mostWaiting) return { t: 'failed', reason: 'too many wait' };
    return this.#absence();
  }

  /** What everybody is told while the service is away: whoever waits for it does so where he can be kept. */
  #absence(): LineOutcome | undefined {
    const afterMs = this.#connectAtMs - this.#init.clock.monotonicMs();
    if (this.#current !== undefined || afterMs <= 0) return undefined;
    return { t: 'failed', reason: this.#lastReason, afterMs: Math.ceil(afterMs) };
  }

  #pump(): void {
    if (this.#waiting.length === 0 || this.#closed) return;
    const absence = this.#absence();
    if (absence !== undefined) {
      for (const job of [...this.#waiting]) job.settle(absence);
      return;
    }
    if (this.#current === undefined && this.#sessions.size >= mostSessions) return;
    const session = (this.#current ??= this.#connect());
    while (session.room > 0 && session.active < this.#init.inFlight) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      void this.#hand(job, session);
    }
  }

  async #hand(job: Job, session: H2Session): Promise<void> {
    const { timeoutMs } = this.#init;
    const exchange = session.request(job.headers, job.body);
    job.exchange = exchange;
    // Not from when it came: one that has waited would be cut off when the service may have taken it already.
    const timer = setTimeout(() => {
      session.ping();
      exchange.cancel(`no answer within ${timeoutMs} ms`);
    }, timeoutMs);
    const outcome = await exchange.outcome;
    clearTimeout(timer);
    job.exchange = undefined;
    if (outcome.t === 'answered') {
      this.#failures = 0;
      job.settle(outcome);
      return;
    }
    if (session.state === 'open' || !session.answered) job.tries += 1;
    const isOver = this.#closed || job.settled || job.late;
    if (outcome.t === 'unprocessed' && job.tries < mostTries && !isOver) {
      this.#wait(job);
      this.#pump();
    } else {
      job.settle({ t: 'failed', reason: outcome.reason });
    }
  }

  /** In the place that it had. */
  #wait(job: Job): void {
    const behind = this.#waiting.findIndex(({ no }) => no > job.no);
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, job);
  }

  #connect(): H2Session {
    const { origin, ca, timeoutMs, pingIntervalMs, pingTimeoutMs } = this.#init;
    const session = new H2Session({
      origin,
      ca,
      connectTimeoutMs: timeoutMs,
      pingIntervalMs,
      pingTimeoutMs,
      onChange: (changed) => this.#changed(changed),
    });
    this.#sessions.add(session);
    return session;
  }

  #changed(session: H2Session): void {
    const { state } = session;
    if (state === 'ended' && this.#sessions.delete(session) && !session.answered) this.#failed(session);
    if (this.#current === session && (state === 'draining' || state === 'ended')) this.#current = undefined;
    this.#pump();
  }

  /** A connection that was good for nothing: the next one waits. */
  #failed({ reason }: H2Session): void {
    if (this.#closed) return;
    const { backoff, random, clock, log, name } = this.#init;
    const waitMs = backoffMs(this.#failures, backoff, random);
    this.#failures += 1;
    this.#connectAtMs = clock.monotonicMs() + waitMs;
    this.#lastReason = reason;
    log.warn('a push service can not be reached', {
      'event.action': 'push-service-unreachable',
      'parley.provider': name,
      'parley.reason': reason,
      'parley.wait_ms': waitMs,
    });
  }
}
