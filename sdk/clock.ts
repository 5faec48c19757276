/** Time and timers as the client library uses them. A parameter, so that tests can turn the clock. */
export interface ClientClock {
  /** Milliseconds since 1970; may step back when the machine's clock is set. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never steps back. */
  monotonicMs(): number;
  /** Calls once after delayMs; the result cancels. */
  after(delayMs: number, call: () => void): () => void;
  /** Calls once when the current turn of the event loop is over. */
  soon(call: () => void): void;
}

export const systemClientClock: ClientClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
  // A timer of 0 ms would wait a second in a hidden tab; a posted message does not.
  soon: (call) => {
    if (typeof setImmediate === 'function') {
      setImmediate(call);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      call();
    };
    port2.postMessage(undefined);
  },
};
