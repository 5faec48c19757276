import { HeadSampler } from './head-sampler.ts';
import { Span, type SpanAttributes, type SpanKindName, type SpanScope } from './span.ts';
import { traceNowMs } from './trace-clock.ts';
import type { TraceContext } from './trace-context.ts';
import { newSpanId, newTraceId } from './trace-ids.ts';

export interface SpanInit {
  /** What it is to others: default `internal`. */
  readonly kind?: SpanKindName;
  /** What it follows from; a root without. */
  readonly parent?: TraceContext | undefined;
  /** What else it has to do with. */
  readonly links?: readonly TraceContext[] | undefined;
  readonly attributes?: SpanAttributes | undefined;
  /** In milliseconds since 1970, by `traceNowMs`; default: now. */
  readonly startedAtMs?: number | undefined;
}

export interface TracerInit extends SpanScope {
  /** Which part of all commands is sampled, 0 to 1. */
  readonly ratio: number;
  readonly random: () => number;
}

/**
 * Begins spans of sampled commands. Whether a command is sampled is decided once, where it comes in; whoever has been given
 * no context has nothing to do, and so nothing to pay.
 */
export class Tracer {
  readonly #scope: SpanScope;
  readonly #sampler: HeadSampler;

  constructor({ sink, resource, ratio, random }: TracerInit) {
    this.#scope = { sink, resource };
    this.#sampler = new HeadSampler({ ratio, random });
  }

  /** Whether to trace what has just come in. */
  sample(): boolean {
    return this.#sampler.take();
  }

  start(name: string, init: SpanInit = {}): Span {
    const { kind = 'internal', parent, links, attributes, startedAtMs = traceNowMs() } = init;
    const context = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId() };
    return new Span({ scope: this.#scope, name, kind, context, parent, links, attributes, startedAtMs });
  }
}
