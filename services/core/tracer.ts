import {
  type Attributes as OtelAttributes,
  type Link,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import { HeadSampler } from './head-sampler.ts';
import { traceNowMs } from './trace-clock.ts';
import type { TraceContext } from './trace-context.ts';

/** Ids and counts. What people write never stands here. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanInit {
  /** What it is to others: default `internal`. */
  readonly kind?: keyof typeof kinds;
  /** What it follows from; a root without. */
  readonly parent?: TraceContext | undefined;
  /** What else it has to do with. */
  readonly links?: readonly TraceContext[] | undefined;
  readonly attributes?: SpanAttributes | undefined;
  /** In milliseconds since 1970, by `traceNowMs`; default: now. */
  readonly startedAtMs?: number | undefined;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** A step on the way of a sampled command. */
export class Span {
  readonly context: TraceContext;
  readonly startedAtMs: number;
  readonly #span: OtelSpan;
  #ended = false;

  constructor(span: OtelSpan, startedAtMs: number) {
    const { traceId, spanId } = span.spanContext();
    this.context = { traceId, spanId };
    this.startedAtMs = startedAtMs;
    this.#span = span;
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(present(attributes));
  }

  link(to: TraceContext): void {
    this.#span.addLink(linkTo(to));
  }

  /** It came to nothing, for a reason that has a name. */
  fail(reason: string): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.setAttribute('error.type', reason);
  }

  /** The first end counts. */
  end(atMs: number = traceNowMs()): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#span.end(atMs);
  }
}

/**
 * Begins spans of sampled commands. Whether a command is sampled is decided once, where it comes in; whoever has been given
 * no context has nothing to do, and so nothing to pay.
 */
export class Tracer {
  readonly #tracer: OtelTracer;
  readonly #sampler: HeadSampler;

  constructor({
    tracer,
    ratio,
    random,
  }: {
    readonly tracer: OtelTracer;
    /** Which part of all commands is sampled, 0 to 1. */
    readonly ratio: number;
    readonly random: () => number;
  }) {
    this.#tracer = tracer;
    this.#sampler = new HeadSampler({ ratio, random });
  }

  /** Whether to trace what has just come in. */
  sample(): boolean {
    return this.#sampler.take();
  }

  start(name: string, init: SpanInit = {}): Span {
    const { kind = 'internal', parent, links, attributes, startedAtMs = traceNowMs() } = init;
    const context =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext(parent));
    const span = this.#tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        startTime: startedAtMs,
        ...(links && { links: links.map(linkTo) }),
        ...(attributes && { attributes: present(attributes) }),
      },
      context,
    );
    return new Span(span, startedAtMs);
  }
}

function present(attributes: SpanAttributes): OtelAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function linkTo(context: TraceContext): Link {
  return { context: spanContext(context) };
}

function spanContext({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
