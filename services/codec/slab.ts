const slabBytes = 32 * 1024;
const largestShared = slabBytes / 8;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let used = 0;

/**
 * A buffer of exactly this size, for the caller to fill whole. Small ones are carved from a shared slab, since a typed
 * array with memory of its own costs microseconds to make: hand the bytes to another thread as a copy, never by
 * transfer, and copy what is to be kept for long, or it keeps its slab alive.
 */
export function take(bytes: number): Buffer {
  if (bytes > largestShared) return Buffer.allocUnsafeSlow(bytes);
  if (used + bytes > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  const start = used;
  used += bytes;
  return slab.subarray(start, used);
}
