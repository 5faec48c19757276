import { randomFillSync } from 'node:crypto';

const traceBytes = 16;
const spanBytes = 8;
/** Drawn at once: one call for each id would cost more than the rest of a span. */
const pool = Buffer.alloc(1024);
let at = pool.length;

/** 32 digits in lower-case hex. */
export const newTraceId = (): string => drawn(traceBytes);
/** 16 digits in lower-case hex. */
export const newSpanId = (): string => drawn(spanBytes);

function drawn(bytes: number): string {
  if (at + bytes > pool.length) {
    randomFillSync(pool);
    at = 0;
  }
  at += bytes;
  return pool.toString('hex', at - bytes, at);
}
