import { traceBytes, type TraceContext, traceOf } from '../core/trace-context.ts';

/** The field `trace` of a frame: nothing for the many that have none. */
export function wireTrace(trace: TraceContext | undefined): { trace?: Uint8Array } {
  return trace === undefined ? {} : { trace: traceBytes(trace) };
}

/** What the field says. */
export function tracedBy(encoded: Uint8Array): { trace?: TraceContext } {
  const trace = traceOf(encoded);
  return trace === undefined ? {} : { trace };
}
