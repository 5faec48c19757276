import type { NodeRole, NodeState } from '../../services/ports/directory.ts';
import type { Dice } from './dice.ts';
import type { NodeLease, SeenLeases } from './leases.ts';
import { Actor, type Scheduler } from './scheduler.ts';

interface Watcher {
  readonly actor: Actor;
  readonly role: NodeRole;
  readonly changed: (seen: SeenLeases) => void;
  /** It sees nothing new before this time. */
  stuckUntilMs: number;
  seen: string;
}

/** Readers look so often. */
const pollMs = 500;
const leaseMs = 1_500;

/**
 * Who is there, as each node sees it: everybody looks at times of their own, so that for a while two nodes see different
 * ones; a node that died is seen until its lease has lapsed.
 */
export class SimDirectory {
  readonly #scheduler: Scheduler;
  readonly #dice: Dice;
  readonly #actor = new Actor('directory');
  readonly #leases = new Map<string, { readonly actor: Actor; lease: NodeLease }>();
  readonly #watchers = new Set<Watcher>();
  readonly #frozen = new Map<Actor, { readonly sinceMs: number; readonly untilMs: number }>();
  #away = false;

  constructor(parts: { scheduler: Scheduler; dice: Dice }) {
    this.#scheduler = parts.scheduler;
    this.#dice = parts.dice;
  }

  announce(actor: Actor, lease: NodeLease) {
    const key = `${lease.role} ${lease.nodeId}`;
    const held = { actor, lease };
    this.#leases.set(key, held);
    this.#changed();
    return {
      update: (state: NodeState): void => {
        held.lease = { ...held.lease, state };
        this.#changed();
      },
      withdraw: async (): Promise<void> => {
        if (this.#leases.get(key) === held) this.#leases.delete(key);
        this.#changed();
      },
    };
  }

  watch(actor: Actor, role: NodeRole, changed: (seen: SeenLeases) => void): void {
    const watcher = { actor, role, changed, stuckUntilMs: 0, seen: 'nothing yet' };
    this.#watchers.add(watcher);
    this.#look(watcher, 1);
  }

  /** The node is dead, or frozen for longer than its lease: the others see that when it has lapsed. */
  lapses(actor: Actor): void {
    this.#scheduler.at(this.#actor, this.#dice.between(leaseMs * 0.7, leaseMs), () => {
      for (const [key, held] of this.#leases)
        if (held.actor === actor && !actor.alive) this.#leases.delete(key);
      this.#changed();
    });
  }

  /** One node keeps the view that it has for a while. */
  stick(name: string, ms: number): void {
    for (const watcher of this.#watchers)
      if (watcher.actor.name === name) watcher.stuckUntilMs = this.#scheduler.nowMs + ms;
  }

  /** Nobody can say who is there. */
  away(away: boolean): void {
    this.#away = away;
    this.#changed();
  }

  /** A node that stands still does not renew its lease; it does when it goes on. */
  frozen(actor: Actor, ms: number): void {
    const { nowMs } = this.#scheduler;
    const before = this.#frozen.get(actor);
    const goesOn = before !== undefined && before.untilMs >= nowMs;
    const sinceMs = goesOn ? before.sinceMs : nowMs;
    const untilMs = Math.max(nowMs + ms, goesOn ? before.untilMs : 0);
    this.#frozen.set(actor, { sinceMs, untilMs });
    if (untilMs - sinceMs <= leaseMs) return;
    this.#scheduler.at(this.#actor, Math.max(0, sinceMs + leaseMs - nowMs), () => this.#changed());
    this.#scheduler.at(this.#actor, untilMs + 1 - nowMs, () => this.#changed());
  }

  calm(): void {
    this.#away = false;
    for (const watcher of this.#watchers) watcher.stuckUntilMs = 0;
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers)
      if (watcher.actor.alive) this.#look(watcher, this.#dice.between(1, pollMs));
      else this.#watchers.delete(watcher);
  }

  #look(watcher: Watcher, afterMs: number): void {
    const { nowMs } = this.#scheduler;
    this.#scheduler.at(watcher.actor, Math.max(afterMs, watcher.stuckUntilMs - nowMs), () => {
      const leases = this.#seen(watcher.role);
      const seen = JSON.stringify(leases) ?? 'away';
      if (seen === watcher.seen) return;
      watcher.seen = seen;
      watcher.changed(leases);
    });
  }

  #isLapsed(actor: Actor, nowMs: number): boolean {
    const frozen = this.#frozen.get(actor);
    return frozen !== undefined && frozen.untilMs > nowMs && nowMs - frozen.sinceMs >= leaseMs;
  }

  #seen(role: NodeRole): SeenLeases {
    if (this.#away) return undefined;
    const { nowMs } = this.#scheduler;
    return [...this.#leases.values()]
      .filter(({ lease, actor }) => lease.role === role && !this.#isLapsed(actor, nowMs))
      .map(({ lease }) => lease)
      .sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
  }
}
