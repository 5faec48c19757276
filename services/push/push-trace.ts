import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';

/** The trace of one push to a device: a span until it is sent, replaced, withdrawn or given up, and one for each attempt. */
export class PushTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;

  constructor(parts: {
    readonly tracer: Tracer;
    /** Of the sampled messages that it tells of, at least one. */
    readonly traces: readonly TraceContext[];
    readonly provider: string;
    readonly convId: string;
    readonly seq: number;
  }) {
    const { tracer, traces, provider, convId, seq } = parts;
    const [parent, ...links] = traces;
    const attributes = { 'parley.provider': provider, 'parley.conv_id': convId, 'parley.seq': seq };
    this.#tracer = tracer;
    this.#span = tracer.start('push deliver', { kind: 'consumer', parent, links, attributes });
  }

  /** One attempt; what it throws, it throws. */
  async attempt<T extends { readonly t: string }>(work: () => Promise<T>): Promise<T> {
    const span = this.#tracer.start('push send', { kind: 'client', parent: this.#span.context });
    try {
      const outcome = await work();
      if (outcome.t === 'withdrawn') span.set({ 'parley.outcome': outcome.t });
      else if (outcome.t !== 'sent') span.fail(outcome.t);
      return outcome;
    } catch (error) {
      span.fail('internal');
      throw error;
    } finally {
      span.end();
    }
  }

  /** What came of it; undefined where it will be made again from the beginning. */
  ended(delivery: string | undefined): void {
    if (delivery === undefined || delivery === 'deadLetter') this.#span.fail(delivery ?? 'again');
    else this.#span.set({ 'parley.outcome': delivery });
    this.#span.end();
  }

  /** By which a log line is found. */
  get ids() {
    const { traceId, spanId } = this.#span.context;
    return { 'trace.id': traceId, 'span.id': spanId } as const;
  }
}
