import type { Clock } from '../../services/core/clock.ts';
import { EventHeap } from './event-heap.ts';

/** Whatever can die or stand still by itself: a run of a node, a client, the database. */
export class Actor {
  readonly name: string;
  alive = true;
  /** Nothing of it happens before this time. */
  frozenUntilMs = 0;
  /** What would have happened meanwhile, in its order; undefined while nothing waits. */
  backlog: SimEvent[] | undefined;
  /** How far its wall clock is off. */
  skewMs = 0;

  constructor(name: string) {
    this.name = name;
  }
}

/** 2026-01-01T00:00:00Z: when simulated time begins. */
const wallStartMs = 1_767_225_600_000;
const immediateMs = 0.01;

/** One thing that will happen. */
export interface SimEvent {
  dueMs: number;
  /** Of two at the same time, the lower one comes first. */
  order: number;
  readonly actor: Actor;
  act: (() => unknown) | undefined;
}

const { setImmediate: nextTurn } = globalThis;
/** Events for which turns are asked for at once. */
const burstEvents = 32;

/**
 * Runs actors over simulated time, one event after the other: after each, all promises that follow from it are let run,
 * and only then the next event begins. Since an event belongs to one actor, and all that actors do to each other are
 * events, what a dead actor had in hand is gone with it. The same events in the same order every time: nothing here
 * depends on the machine's clock.
 */
export class Scheduler {
  readonly #heap = new EventHeap();
  #nowMs = 0;
  #orders = 0;
  #events = 0;
  /** Whose event is under way. */
  current: Actor | undefined;
  /** Told of what an event throws. */
  failed: (actor: Actor, error: unknown) => void = (_, error) => {
    throw error;
  };

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events;
  }

  at(actor: Actor, delayMs: number, act: () => unknown): SimEvent {
    const event = { dueMs: this.#nowMs + delayMs, order: (this.#orders += 1), actor, act };
    this.#heap.push(event);
    return event;
  }

  /** At the end of the actor's present turn, after what was asked for before. */
  soon(actor: Actor, act: () => unknown): SimEvent {
    return this.at(actor, immediateMs, act);
  }

  /** Lets so much time pass. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    while (this.#isDue(untilMs)) await this.#burst(untilMs);
    this.#nowMs = untilMs;
  }

  clock(actor: Actor): Clock {
    return {
      wallMs: () => Math.floor(wallStartMs + this.#nowMs + actor.skewMs),
      monotonicMs: () => this.#nowMs + 1_000,
    };
  }

  /** What an actor that stands still has before it happens when it goes on, before everything that comes later. */
  #wait(event: SimEvent): void {
    const { actor } = event;
    if (actor.backlog !== undefined) {
      actor.backlog.push(event);
      return;
    }
    actor.backlog = [event];
    const waker = new Actor(`${actor.name} goes on`);
    const wake = (): void => {
      const leftMs = actor.frozenUntilMs - this.#nowMs;
      if (leftMs > 0) {
        this.at(waker, leftMs, wake);
        return;
      }
      for (const waiting of actor.backlog ?? []) {
        waiting.dueMs = this.#nowMs;
        waiting.order = this.#orders += 1;
        this.#heap.push(waiting);
      }
      actor.backlog = undefined;
    };
    this.at(waker, Math.max(0, actor.frozenUntilMs - this.#nowMs), wake);
  }

  #isDue(untilMs: number): boolean {
    const event = this.#heap.peek();
    return event !== undefined && event.dueMs <= untilMs;
  }

  /**
   * Some events, each in a turn of its own. All turns are asked for at once: between two of them the runtime lets all
   * promises run, but does not look for input that never comes, which would cost more than most events do.
   */
  #burst(untilMs: number): Promise<void> {
    for (let turn = 0; turn < burstEvents; turn += 1) nextTurn(() => this.#next(untilMs));
    return new Promise((resolve) => {
      nextTurn(() => {
        this.current = undefined;
        resolve();
      });
    });
  }

  /** The next event that is due, if there is one. */
  #next(untilMs: number): void {
    this.current = undefined;
    while (this.#isDue(untilMs)) {
      const event = this.#heap.pop() as SimEvent;
      const { act, actor } = event;
      if (act === undefined || !actor.alive) continue;
      if (actor.frozenUntilMs > event.dueMs) {
        this.#wait(event);
        continue;
      }
      this.#nowMs = event.dueMs;
      this.#happen(actor, act);
      return;
    }
  }

  #happen(actor: Actor, act: () => unknown): void {
    this.#events += 1;
    this.current = actor;
    try {
      act();
    } catch (error) {
      this.failed(actor, error);
    }
  }
}
