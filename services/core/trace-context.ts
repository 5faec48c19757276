/** A span of a sampled command, as those that follow from it name it. Ids in lower-case hex, 32 and 16 digits. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 1;
const traceIdBytes = 16;
const bytes = 24;

/**
 * What a `traceparent` (W3C Trace Context) says, where it says that its trace is sampled; undefined for one that isn't, and
 * for what is none. Of versions yet to come the part that this one has counts.
 */
export function sampledParent(traceparent: string | undefined): TraceContext | undefined {
  // Most calls have none.
  if (traceparent === undefined) return undefined;
  // The longest that counts; whatever follows in a later version is of no interest, but it must not cost.
  const [, version, traceId, spanId, flags, more] = form.exec(traceparent.slice(0, 56)) ?? [];
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined;
  if (version === '00' && more !== undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return (Number.parseInt(flags as string, 16) & sampledFlag) === 0 ? undefined : { traceId, spanId };
}

/** The header of a request that follows from a span. */
export function traceparentOf({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** As it travels between nodes and stands in the event log: 24 bytes. */
export function traceBytes({ traceId, spanId }: TraceContext): Uint8Array {
  return Buffer.from(traceId + spanId, 'hex');
}

/** Undefined for no bytes, and for what is no context: traces are not worth a refusal. */
export function traceOf(encoded: Uint8Array): TraceContext | undefined {
  if (encoded.byteLength !== bytes) return undefined;
  const hex = Buffer.from(encoded.buffer, encoded.byteOffset, bytes).toString('hex');
  return { traceId: hex.slice(0, 2 * traceIdBytes), spanId: hex.slice(2 * traceIdBytes) };
}
