import type { Fault } from '../services/core/fault.ts';

/** A close frame's reason holds at most 123 bytes. */
const maxReasonBytes = 123;

/** `reason: message`, cut to fit. */
export function closeReason(fault: Fault): string {
  return cutReason(fault.message === fault.reason ? fault.reason : `${fault.reason}: ${fault.message}`);
}

/** Cuts to 123 bytes of UTF-8, between characters. */
export function cutReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxReasonBytes) return text;
  let end = maxReasonBytes;
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
