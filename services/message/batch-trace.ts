import type { Seq } from '../core/ids.ts';
import type { Span, SpanAttributes } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { CommitStep } from '../ports/message-store.ts';
import type { Evaluation } from './evaluate.ts';
import type { Submission } from './submission.ts';

/** Entries that sampled commands have made, each with the span of its command. */
export type TracedEntries = ReadonlyMap<Seq, Span>;

/**
 * A batch with sampled commands in it. It belongs to the trace of the first one, and is linked with each of them, both
 * ways: what a commit takes is shared by all who are in it.
 */
export class BatchTrace {
  readonly #tracer: Tracer;
  readonly #span: Span;

  private constructor(tracer: Tracer, span: Span) {
    this.#tracer = tracer;
    this.#span = span;
  }

  /** Undefined for a batch without any. */
  static begin(tracer: Tracer | undefined, batch: readonly Submission[]): BatchTrace | undefined {
    if (tracer === undefined || !batch.some(({ trace }) => trace !== undefined)) return undefined;
    const traced = batch.flatMap(({ trace, attempts }) =>
      trace === undefined ? [] : [{ ...trace, attempts }],
    );
    const [first] = traced;
    if (first === undefined) return undefined;
    for (const { span, queuedAtMs, attempts } of traced) {
      const attributes = { 'parley.attempts': attempts };
      tracer.start('lane wait', { parent: span.context, startedAtMs: queuedAtMs, attributes }).end();
    }
    const span = tracer.start('batch', {
      parent: first.span.context,
      links: traced.map((each) => each.span.context),
      attributes: { 'parley.commands': batch.length },
    });
    for (const each of traced.slice(1)) each.span.link(span.context);
    return new BatchTrace(tracer, span);
  }

  /** A part of what it takes; to be ended. */
  begin(name: string, attributes?: SpanAttributes): Span {
    return this.#tracer.start(name, { parent: this.#span.context, attributes });
  }

  /** A part that the store tells of. */
  stored(within: Span, { name, startedAtMs, endedAtMs }: CommitStep): void {
    this.#tracer.start(`store ${name}`, { parent: within.context, startedAtMs }).end(endedAtMs);
  }

  /** The entries that sampled commands have made, and not found made; undefined for none. */
  entriesOf({ verdicts }: Evaluation): TracedEntries | undefined {
    const entries = new Map<Seq, Span>();
    for (const { submission, settlement } of verdicts) {
      const { trace } = submission;
      if (trace === undefined || settlement.t !== 'committed' || settlement.duplicate) continue;
      entries.set(settlement.seq, trace.span);
    }
    return entries.size === 0 ? undefined : entries;
  }

  end(): void {
    this.#span.end();
  }
}
