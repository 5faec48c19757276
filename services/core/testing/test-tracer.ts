import { emptyResource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Tracer } from '../tracer.ts';

/** A tracer whose spans a test looks at. */
export function testTracer({ ratio = 1 }: { readonly ratio?: number } = {}) {
  const spans: ReadableSpan[] = [];
  const sink = (span: ReadableSpan): void => void spans.push(span);
  const tracer = new Tracer({ sink, resource: emptyResource(), ratio, random: () => 0.5 });
  return {
    tracer,
    /** Names of those that have ended, in order. */
    ended: () => spans.map(({ name }) => name),
    spans: () => spans,
  };
}
