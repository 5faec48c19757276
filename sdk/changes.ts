import type { ClientClock } from './clock.ts';
import type { Unsubscribe } from './types.ts';

/** Tells listeners that something changed: once per turn of the event loop, however much did. */
export class Changes {
  readonly #clock: ClientClock;
  readonly #listeners = new Set<() => void>();
  readonly #logListeners = new Map<string, Set<() => void>>();
  readonly #changedLogs = new Set<string>();
  #pending = false;

  constructor(options: { clock: ClientClock }) {
    this.#clock = options.clock;
  }

  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onLog(convId: string, listener: () => void): Unsubscribe {
    let listeners = this.#logListeners.get(convId);
    if (listeners === undefined) {
      listeners = new Set();
      this.#logListeners.set(convId, listeners);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#logListeners.get(convId) === listeners)
        this.#logListeners.delete(convId);
    };
  }

  watchers(convId: string): number {
    return this.#logListeners.get(convId)?.size ?? 0;
  }

  touch(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#clock.soon(() => this.#tell());
  }

  touchLog(convId: string): void {
    if (this.#logListeners.has(convId)) this.#changedLogs.add(convId);
    this.touch();
  }

  #tell(): void {
    this.#pending = false;
    const changed = [...this.#changedLogs];
    this.#changedLogs.clear();
    for (const convId of changed)
      for (const listener of [...(this.#logListeners.get(convId) ?? [])]) listener();
    for (const listener of [...this.#listeners]) listener();
  }
}
