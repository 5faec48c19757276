import {
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  SpanKind,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { hrTimeBetween, hrTimeOf } from './hr-time.ts';
import { traceNowMs } from './trace-clock.ts';
import type { TraceContext } from './trace-context.ts';

/** Ids and counts. What people write never stands here. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export type SpanKindName = keyof typeof kinds;

/** Who is handed spans once they have ended. */
export type SpanSink = (span: ReadableSpan) => void;

/** What all spans of a process have in common. */
export interface SpanScope {
  /** Undefined: nobody. */
  readonly sink: SpanSink | undefined;
  readonly resource: Resource;
}

export interface SpanParts {
  readonly scope: SpanScope;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly links: readonly TraceContext[] | undefined;
  readonly attributes: SpanAttributes | undefined;
  /** In milliseconds since 1970, by `traceNowMs`. */
  readonly startedAtMs: number;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

const instrumentationScope = { name: 'parley' };
const noEvents: ReadableSpan['events'] = [];
/** Values that are longer are cut off; ids are far shorter, and what is many is counted instead. */
const longestValue = 256;
/** Those of a batch with many sampled commands. */
const mostLinks = 128;

/**
 * A step on the way of a sampled command. It keeps what it is told and works it out for the SDK's exporter when that reads
 * it (docs/decisions/0017-spans-of-our-own.md).
 */
export class Span implements ReadableSpan {
  readonly context: TraceContext;
  readonly startedAtMs: number;
  readonly name: string;
  readonly attributes: Attributes = {};
  readonly links: Link[] = [];
  readonly #scope: SpanScope;
  readonly #kind: SpanKindName;
  readonly #parent: TraceContext | undefined;
  #failed = false;
  #endedAtMs: number | undefined;
  #droppedLinks = 0;

  constructor({ scope, name, kind, context, parent, links, attributes, startedAtMs }: SpanParts) {
    this.#scope = scope;
    this.#kind = kind;
    this.#parent = parent;
    this.name = name;
    this.context = context;
    this.startedAtMs = startedAtMs;
    if (attributes !== undefined) this.set(attributes);
    if (links !== undefined) for (const to of links) this.link(to);
  }

  /** A span that has ended takes no more. */
  set(attributes: SpanAttributes): void {
    if (this.ended) return;
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      this.attributes[name] = typeof value === 'string' ? value.slice(0, longestValue) : value;
    }
  }

  link(to: TraceContext): void {
    if (this.ended) return;
    if (this.links.length < mostLinks) this.links.push({ context: spanContext(to) });
    else this.#droppedLinks += 1;
  }

  /** It came to nothing, for a reason that has a name. */
  fail(reason: string): void {
    if (this.ended) return;
    this.#failed = true;
    this.set({ 'error.type': reason });
  }

  /** The first end counts. */
  end(atMs: number = traceNowMs()): void {
    if (this.ended) return;
    // The clock of spans may be joined anew with the wall's meanwhile, which may have been set back.
    this.#endedAtMs = Math.max(atMs, this.startedAtMs);
    this.#scope.sink?.(this);
  }

  get ended(): boolean {
    return this.#endedAtMs !== undefined;
  }

  get kind(): SpanKind {
    return kinds[this.#kind];
  }

  get parentSpanContext(): SpanContext | undefined {
    return this.#parent && spanContext(this.#parent);
  }

  get status(): SpanStatus {
    return { code: this.#failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET };
  }

  get startTime(): HrTime {
    return hrTimeOf(this.startedAtMs);
  }

  get endTime(): HrTime {
    return hrTimeOf(this.#endedAtMs ?? this.startedAtMs);
  }

  get duration(): HrTime {
    return hrTimeBetween(this.startTime, this.endTime);
  }

  get resource(): Resource {
    return this.#scope.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return instrumentationScope;
  }

  get events(): ReadableSpan['events'] {
    return noEvents;
  }

  get droppedAttributesCount(): number {
    return 0;
  }

  get droppedEventsCount(): number {
    return 0;
  }

  get droppedLinksCount(): number {
    return this.#droppedLinks;
  }

  spanContext(): SpanContext {
    return spanContext(this.context);
  }
}

function spanContext({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
}
