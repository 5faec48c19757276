import type { Fault } from '../core/fault.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import { conversationOf } from '../peer/conversation-of.ts';
import type { Operation, Result } from '../peer/edge-frames.ts';

/** The span of a command that has come to this node; undefined where it is not sampled, or nothing is traced. */
export function commandSpan(
  tracer: Tracer | undefined,
  op: Operation,
  trace: TraceContext | undefined,
): Span | undefined {
  if (trace === undefined) return undefined;
  const attributes = { 'parley.command': op.t, 'parley.conv_id': conversationOf(op) };
  return tracer?.start(`message ${op.t}`, { kind: 'server', parent: trace, attributes });
}

/** It was answered; of several answers the last one counts. */
export function answered(span: Span, result: Result): void {
  if (result.t === 'sent') {
    const { seq, msgId, duplicate } = result;
    span.set({ 'parley.seq': seq, 'parley.msg_id': String(msgId), 'parley.duplicate': duplicate });
  } else if (result.t === 'groupChanged') span.set({ 'parley.seq': result.seq });
  span.end();
}

/** It was refused. */
export function refused(span: Span, { reason }: Fault): void {
  span.fail(reason);
  span.end();
}
