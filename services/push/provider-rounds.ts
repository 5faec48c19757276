import { Turns } from '../core/turns.ts';
import type { PushTargetKind } from '../ports/push-target.ts';

/** Rounds under way at once, of all providers together and again of each that goes its own way. */
const atOnce = 4;

/** Goes round for these providers. `apart`: each is to go its own way, and nothing was done yet. */
export type ProviderRound<T> = (kinds: readonly PushTargetKind[]) => Promise<T | 'apart'>;

export interface ProviderRoundsInit {
  /** Whether another notice may be handed over to the provider. */
  readonly hasRoom: (kind: PushTargetKind) => boolean;
  /** Rounds that wait for their turn, at most, in each of the ways. */
  readonly mostWaiting: number;
}

/**
 * Whose turn it is to go round. Most of what a round reads is the same for all providers, so those that have room share
 * one, which waits for none of them. A provider that has no room goes its own way, by itself, where it may wait: however
 * long that takes, it keeps no turn from others.
 */
export class ProviderRounds {
  readonly #init: ProviderRoundsInit;
  readonly #together: Turns;
  readonly #alone = new Map<PushTargetKind, { readonly turns: Turns; rounds: number }>();

  constructor(init: ProviderRoundsInit) {
    this.#init = init;
    this.#together = new Turns({ atOnce, mostWaiting: init.mostWaiting });
  }

  /**
   * Has each of the providers in a round, alone or with others, and goes on with what came of it as soon as that round is
   * over. Resolves when all is done; rejects, with one of the reasons, not before.
   */
  async each<T>(
    kinds: readonly PushTargetKind[],
    round: ProviderRound<T>,
    then: (kinds: readonly PushTargetKind[], result: T) => Promise<void>,
  ): Promise<void> {
    const { shared, result } = await this.#share(kinds, round);
    const alone = kinds.filter((kind) => !shared.includes(kind));
    await allDone([
      ...(result === 'apart' ? [] : [then(shared, result)]),
      ...alone.map((kind) => this.#goAlone(kind, round, then)),
    ]);
  }

  async #share<T>(
    kinds: readonly PushTargetKind[],
    round: ProviderRound<T>,
  ): Promise<{ readonly shared: readonly PushTargetKind[]; readonly result: T | 'apart' }> {
    if (kinds.length < 2) return { shared: [], result: 'apart' };
    return this.#together.run(async () => {
      // Not before the turn: those in front may have filled it.
      const free = kinds.filter((kind) => this.#free(kind));
      const result = free.length < 2 ? 'apart' : await round(free);
      return { shared: result === 'apart' ? [] : free, result };
    });
  }

  /** It has room, and nothing of it waits already. */
  #free(kind: PushTargetKind): boolean {
    return (this.#alone.get(kind)?.rounds ?? 0) === 0 && this.#init.hasRoom(kind);
  }

  async #goAlone<T>(
    kind: PushTargetKind,
    round: ProviderRound<T>,
    then: (kinds: readonly PushTargetKind[], result: T) => Promise<void>,
  ): Promise<void> {
    const { mostWaiting } = this.#init;
    const way = this.#alone.get(kind) ?? { turns: new Turns({ atOnce, mostWaiting }), rounds: 0 };
    this.#alone.set(kind, way);
    way.rounds += 1;
    let result: T | 'apart';
    try {
      result = await way.turns.run(() => round([kind]));
    } finally {
      way.rounds -= 1;
    }
    if (result !== 'apart') await then([kind], result);
  }
}

async function allDone(tasks: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(tasks);
  await Promise.all(tasks);
}
