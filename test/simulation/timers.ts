import type { Actor, Scheduler, SimEvent } from './scheduler.ts';

/** What setTimeout and setInterval give back while time is simulated. */
class SimTimer {
  readonly #scheduler: Scheduler;
  readonly #actor: Actor;
  readonly #everyMs: number | undefined;
  readonly #act: () => unknown;
  #event: SimEvent;

  constructor(parts: {
    scheduler: Scheduler;
    actor: Actor;
    ms: number;
    repeats: boolean;
    act: () => unknown;
  }) {
    const { scheduler, actor, ms, repeats, act } = parts;
    this.#scheduler = scheduler;
    this.#actor = actor;
    this.#everyMs = repeats ? ms : undefined;
    this.#act = act;
    this.#event = this.#wait(ms);
  }

  clear(): void {
    this.#event.act = undefined;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  #wait(ms: number): SimEvent {
    return this.#scheduler.at(this.#actor, ms, () => {
      if (this.#everyMs !== undefined) this.#event = this.#wait(this.#everyMs);
      this.#act();
    });
  }
}

const names = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
] as const;

/**
 * Puts simulated timers in the place of the real ones: what an actor's code waits for while its event is under way
 * becomes an event of that actor. Code that runs outside of events keeps the real ones. Undone by the disposer.
 */
export function simulateTimers(scheduler: Scheduler): Disposable {
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  const timer =
    (repeats: boolean, otherwise: (...args: never[]) => unknown) =>
    (act: (...args: unknown[]) => unknown, ms = 0, ...args: unknown[]): unknown => {
      const actor = scheduler.current;
      if (actor === undefined) return otherwise(...([act, ms, ...args] as never[]));
      return new SimTimer({ scheduler, actor, ms: Math.max(1, ms), repeats, act: () => act(...args) });
    };
  const clear =
    (otherwise: (timer: never) => void) =>
    (held: unknown): void => {
      if (held instanceof SimTimer) held.clear();
      else if (isEvent(held)) held.act = undefined;
      else otherwise(held as never);
    };
  const immediate = (act: (...args: unknown[]) => unknown, ...args: unknown[]): unknown => {
    const actor = scheduler.current;
    if (actor === undefined) return (real['setImmediate'] as typeof setImmediate)(act, ...args);
    return scheduler.soon(actor, () => act(...args));
  };
  Object.assign(globalThis, {
    setTimeout: timer(false, real['setTimeout'] as never),
    setInterval: timer(true, real['setInterval'] as never),
    setImmediate: immediate,
    clearTimeout: clear(real['clearTimeout'] as never),
    clearInterval: clear(real['clearInterval'] as never),
    clearImmediate: clear(real['clearImmediate'] as never),
  });
  return { [Symbol.dispose]: () => void Object.assign(globalThis, real) };
}

function isEvent(held: unknown): held is SimEvent {
  return typeof held === 'object' && held !== null && 'dueMs' in held && 'act' in held;
}
