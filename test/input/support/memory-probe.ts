/**
 * Imported by a server under test (node --expose-gc --import): tells its parent, on demand, what it still
 * holds after a full collection. Resident memory alone also counts garbage that nobody has collected yet,
 * and says more of the machine's load than of a leak.
 */
process.on('message', () => {
  // Twice: what the first one finalises, the second one frees.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    process.send?.(process.memoryUsage());
  });
});
// A probe keeps no process alive.
process.channel?.unref();
