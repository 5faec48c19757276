import type { Logger } from '../core/log.ts';
import { traceNowMs } from '../core/trace-clock.ts';
import { type TraceContext, traceparentOf } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Answer } from './post.ts';

export interface DeliveryTraceParts {
  readonly tracer: Tracer;
  readonly log: Logger;
  readonly endpoint: string;
  /** Names the webhook to its receiver. */
  readonly id: string;
  readonly type: string;
  /** Of the sampled entries that it tells of, at least one. */
  readonly traces: readonly TraceContext[];
}

/** An attempt of a traced delivery. */
export interface AttemptTrace {
  /** By which the receiver may go on with the trace. */
  readonly headers: Readonly<Record<string, string>>;
  answered(answer: Answer, accepted: boolean): void;
}

/** The trace of one webhook's delivery: a span until it is told or given up, and one for each attempt. Each is logged. */
export class DeliveryTrace {
  readonly #parts: DeliveryTraceParts;
  readonly #span: Span;
  #attempts = 0;

  constructor(parts: DeliveryTraceParts) {
    const { tracer, endpoint, id, type, traces } = parts;
    const [parent, ...links] = traces;
    this.#parts = parts;
    const attributes = { 'parley.endpoint': endpoint, 'parley.webhook': id, 'parley.type': type };
    this.#span = tracer.start('webhook deliver', { kind: 'consumer', parent, links, attributes });
  }

  attempt(): AttemptTrace {
    this.#attempts += 1;
    const attributes = { 'http.request.method': 'POST', 'http.request.resend_count': this.#attempts - 1 };
    const span = this.#parts.tracer.start('webhook POST', {
      kind: 'client',
      parent: this.#span.context,
      attributes,
    });
    return {
      headers: { traceparent: traceparentOf(span.context) },
      answered: (answer, accepted) => this.#answered(span, answer, accepted),
    };
  }

  delivered(): void {
    this.#span.end();
    this.#parts.log.info('a webhook was delivered', {
      'event.action': 'webhook-delivered',
      'event.outcome': 'success',
      ...this.#fields(this.#span),
    });
  }

  /** Kept as a dead letter, or to be delivered again from the beginning. */
  failed(reason: string): void {
    this.#span.fail(reason);
    this.#span.end();
  }

  /** By which a log line is found. */
  get ids() {
    const { traceId, spanId } = this.#span.context;
    return { 'trace.id': traceId, 'span.id': spanId } as const;
  }

  #answered(span: Span, answer: Answer, accepted: boolean): void {
    if (answer.t === 'status') span.set({ 'http.response.status_code': answer.status });
    if (!accepted) span.fail(answer.t === 'status' ? String(answer.status) : answer.reason);
    span.end();
    if (accepted) return;
    this.#parts.log.info('a webhook was not taken', {
      'event.action': 'webhook-attempt-failed',
      'event.outcome': 'failure',
      ...(answer.t === 'status'
        ? { 'http.response.status_code': answer.status }
        : { 'parley.reason': answer.reason }),
      ...this.#fields(span),
    });
  }

  #fields({ context, startedAtMs }: Span) {
    const { endpoint, id } = this.#parts;
    return {
      'event.duration': Math.round((traceNowMs() - startedAtMs) * 1e6),
      'trace.id': context.traceId,
      'span.id': context.spanId,
      'parley.endpoint': endpoint,
      'parley.webhook': id,
      'parley.attempts': this.#attempts,
    } as const;
  }
}
