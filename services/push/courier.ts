import type { Clock } from '../core/clock.ts';
import type { ConfigOf } from '../core/config.ts';
import type { Logger } from '../core/log.ts';
import type { Tracer } from '../core/tracer.ts';
import { Turns } from '../core/turns.ts';
import type { DeadLetter, DeadLetters } from '../ports/dead-letters.ts';
import { CourierStopped } from './courier-stopped.ts';
import { DeliveryTrace } from './delivery-trace.ts';
import type { Endpoint } from './endpoint-file.ts';
import { endpointMeters } from './meters.ts';
import type { pushOptions } from './options.ts';
import { type Answer, Poster } from './post.ts';
import { retryWaitMs } from './retry-after.ts';
import { signatures } from './signature.ts';
import { type Webhook, webhookBody, webhookId } from './webhook.ts';

export type PushConfig = ConfigOf<{ push: typeof pushOptions }>['push'];

export interface CourierInit {
  readonly endpoint: Endpoint;
  readonly config: Pick<PushConfig, 'attempts' | 'firstRetryMs' | 'maxRetryMs' | 'timeoutMs'>;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Deliveries that may wait, at most. */
  readonly mostWaiting: number;
}

interface Letter {
  readonly id: string;
  readonly body: string;
}

/**
 * Takes webhooks to one endpoint: those of a conversation one after another, so many conversations at once as the
 * endpoint allows. What fails is tried again after a growing time; while it waits it keeps its place, so that an
 * endpoint that is down is asked seldom and what is for it stays in the event log. What fails for good becomes a dead
 * letter.
 */
export class Courier {
  readonly meters = endpointMeters();
  readonly endpoint: Endpoint;
  readonly #init: CourierInit;
  readonly #poster: Poster;
  readonly #turns: Turns;
  /** The last delivery of each conversation that has one under way. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #waits = new Map<NodeJS.Timeout, () => void>();
  #stopped = false;

  constructor(init: CourierInit) {
    this.#init = init;
    this.endpoint = init.endpoint;
    const { url, ca, inFlight } = init.endpoint;
    this.#poster = new Poster({ url, ca, connections: inFlight, timeoutMs: init.config.timeoutMs });
    this.#turns = new Turns({ atOnce: inFlight, mostWaiting: init.mostWaiting });
  }

  /**
   * Resolves when the endpoint has acknowledged it, or when it is kept as a dead letter. Rejects when it can't be kept
   * either, when too many wait, and when the courier stops: deliver it again later.
   */
  deliver(webhook: Webhook): Promise<void> {
    return this.deliverAll(webhook.convId, [webhook]);
  }

  /**
   * The same for several of one conversation, in this order and with no other of it between them. Those behind one that
   * is rejected are not told.
   */
  async deliverAll(convId: string, webhooks: readonly Webhook[]): Promise<void> {
    const before = this.#tails.get(convId);
    const delivery = this.#after(before, webhooks);
    const tail = delivery.catch(() => {});
    this.#tails.set(convId, tail);
    try {
      await delivery;
    } finally {
      if (this.#tails.get(convId) === tail) this.#tails.delete(convId);
    }
  }

  /** One attempt with a letter that was given up; true when it was acknowledged. */
  async replay({ id, body }: DeadLetter): Promise<Answer & { readonly delivered: boolean }> {
    const answer = await this.#attempt({ id, body });
    return { ...answer, delivered: accepted(answer) };
  }

  /** Cuts off what is under way; those who wait for it are rejected. */
  stop(): void {
    this.#stopped = true;
    this.#poster.close();
    for (const [timer, wake] of this.#waits) {
      clearTimeout(timer);
      wake();
    }
    this.#waits.clear();
  }

  async #after(before: Promise<void> | undefined, webhooks: readonly Webhook[]): Promise<void> {
    await before;
    // Each has a turn of its own, so that many in one go keep none from other conversations.
    for (const webhook of webhooks) await this.#turns.run(() => this.#tell(webhook));
  }

  async #tell(webhook: Webhook): Promise<void> {
    this.meters.underWay += 1;
    try {
      await this.#persist(webhook);
    } finally {
      this.meters.underWay -= 1;
    }
  }

  async #persist(webhook: Webhook): Promise<void> {
    const letter = { id: webhookId(this.endpoint.name, webhook), body: webhookBody(webhook) };
    const trace = this.#traceOf(webhook, letter);
    try {
      await this.#insist(webhook, letter, trace);
    } catch (error) {
      trace?.failed(error instanceof CourierStopped ? 'stopping' : 'notKept');
      throw error;
    }
  }

  #traceOf({ type, traces }: Webhook, { id }: Letter): DeliveryTrace | undefined {
    const { tracer, log } = this.#init;
    if (traces === undefined || tracer === undefined) return undefined;
    return new DeliveryTrace({ tracer, log, endpoint: this.endpoint.name, id, type, traces });
  }

  /** Tries until it is told or given up. */
  async #insist(webhook: Webhook, letter: Letter, trace: DeliveryTrace | undefined): Promise<void> {
    const { config, random, clock } = this.#init;
    for (let attempt = 1; ; attempt += 1) {
      this.#checkRunning();
      const attempted = trace?.attempt();
      const answer = await this.#attempt(letter, attempted?.headers);
      attempted?.answered(answer, accepted(answer));
      if (accepted(answer)) {
        this.meters.delivered += 1;
        trace?.delivered();
        return;
      }
      this.#checkRunning();
      this.meters.failedAttempts += 1;
      if (attempt === config.attempts || gone(answer)) {
        await this.#giveUp(webhook, letter, { attempts: attempt, answer, trace });
        return;
      }
      const bounds = { firstMs: config.firstRetryMs, maxMs: config.maxRetryMs };
      const retryAfter = answer.t === 'status' ? answer.retryAfter : undefined;
      const waitMs = retryWaitMs(attempt - 1, retryAfter, clock.wallMs(), bounds, random);
      await this.#wait(waitMs);
    }
  }

  #attempt({ id, body }: Letter, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const timestampS = Math.floor(this.#init.clock.wallMs() / 1_000);
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestampS),
      'webhook-signature': signatures(this.endpoint.keys, id, timestampS, body),
      ...more,
    };
    return this.#poster.post(headers, body);
  }

  async #giveUp(
    webhook: Webhook,
    { id, body }: Letter,
    {
      attempts,
      answer,
      trace,
    }: { readonly attempts: number; readonly answer: Answer; readonly trace: DeliveryTrace | undefined },
  ): Promise<void> {
    const { type, convId, firstSeq, lastSeq, occurredAtMs } = webhook;
    const endpoint = this.endpoint.name;
    const reason = describe(answer);
    const failedAtMs = this.#init.clock.wallMs();
    await this.#init.deadLetters.add({
      id,
      endpoint,
      type,
      convId,
      firstSeq,
      lastSeq,
      occurredAtMs,
      failedAtMs,
      attempts,
      reason,
      body,
    });
    this.meters.deadLetters += 1;
    this.#init.log.warn('a webhook was given up and is a dead letter', {
      'event.action': 'webhook-dead-letter',
      'parley.endpoint': endpoint,
      'parley.webhook': id,
      'parley.attempts': attempts,
      'parley.reason': reason,
      ...trace?.ids,
    });
    trace?.failed(reason);
  }

  #checkRunning(): void {
    if (this.#stopped) throw new CourierStopped('webhooks');
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waits.delete(timer);
        resolve();
      }, ms);
      this.#waits.set(timer, resolve);
    });
  }
}

function accepted(answer: Answer): boolean {
  return answer.t === 'status' && answer.status >= 200 && answer.status < 300;
}

/** The specification's word for "never again". */
function gone(answer: Answer): boolean {
  return answer.t === 'status' && answer.status === 410;
}

export function describe(answer: Answer): string {
  return answer.t === 'status' ? `status ${answer.status}` : answer.reason;
}
