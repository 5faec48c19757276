import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { Tracer } from '../tracer.ts';

/** A tracer whose spans a test looks at. */
export function testTracer({ ratio = 1 }: { readonly ratio?: number } = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = new Tracer({ tracer: provider.getTracer('test'), ratio, random: () => 0.5 });
  return {
    tracer,
    /** Names of those that have ended, in order. */
    ended: () => exporter.getFinishedSpans().map(({ name }) => name),
    spans: () => exporter.getFinishedSpans(),
  };
}
