import type { Dice } from './dice.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** What befalls the nodes of a schedule: they die, drain, stand still, lose links, see different others. */
export class Troubles {
  readonly #world: World;
  readonly #dice: Dice;
  /** How rarely something happens: once in so many steps. */
  readonly #rarity: number;
  /** Nodes that are started again when they are gone. */
  readonly #names: readonly string[];
  readonly #mayKill: boolean;
  readonly #mayFreeze: boolean;
  readonly #clocks: boolean;
  /** Whether the store goes back once; as long as no node has noticed, nothing else befalls them. */
  readonly #mayRestore: boolean;
  #stepsToRestore = 0;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    this.#names = world.processes.map(({ nodeId }) => nodeId);
    this.#rarity = dice.pick([2, 4, 10, 1_000]);
    this.#mayKill = dice.oneIn(2);
    this.#mayFreeze = dice.oneIn(2);
    this.#clocks = dice.oneIn(5);
    this.#mayRestore = dice.oneIn(5);
  }

  step(): void {
    const dice = this.#dice;
    const world = this.#world;
    this.#restart(8);
    if (this.#mayRestore) this.#stepTowardsRestore();
    // Nothing is promised where all who would notice die before they can look.
    if (world.lost.unnoticed) return;
    if (!dice.oneIn(this.#rarity)) return;
    if (world.processes.length === 0) return;
    const process = dice.pick(world.processes);
    switch (dice.below(10)) {
      case 0:
        if (this.#mayKill) process.kill();
        return;
      case 1:
        if (this.#mayKill) process.drain();
        return;
      case 2:
        if (this.#mayFreeze) this.#freeze(process);
        return;
      case 3:
        world.trace(process.actor, 'sees nothing new for a while');
        world.directory.stick(process.nodeId, dice.between(500, 5_000));
        return;
      case 4:
      case 5:
        world.trace(process.actor, 'loses a link');
        world.network.cut(process.nodeId);
        return;
      case 6:
        world.trace(process.actor, 'a link stalls');
        world.network.stall(process.nodeId);
        return;
      case 7:
        world.directory.away(true);
        world.scheduler.at(world.database, dice.between(200, 3_000), () => world.directory.away(false));
        return;
      case 8:
        if (this.#clocks) process.actor.skewMs += Math.round(dice.between(-1_500, 1_500));
        return;
      case 9:
        if (world.eventLog !== undefined)
          world.eventLog.awayUntilMs = world.scheduler.nowMs + dice.between(200, 5_000);
    }
  }

  /** The store is copied, and some steps later it is as it was then. */
  #stepTowardsRestore(): void {
    const dice = this.#dice;
    const { lost, database } = this.#world;
    if (lost.count > 0) return;
    if (!lost.hasCopy) {
      if (!dice.oneIn(20)) return;
      lost.copy();
      this.#stepsToRestore = 1 + dice.below(12);
      return;
    }
    this.#stepsToRestore -= 1;
    if (this.#stepsToRestore > 0) return;
    // Without a word only by name (`silent-restore`): where all who remember the lost entries have let go of them, nobody
    // can notice.
    lost.restore(true);
    this.#world.trace(database, `goes back, and says so: ${lost.lost} entries are lost`);
  }

  /** Everything that can be mended is. */
  end(): void {
    const world = this.#world;
    world.weather.calm();
    world.directory.calm();
    // Those that stand still go on by themselves: what waits for them would be out of order if it were let go early.
    for (const { actor } of world.processes) actor.skewMs = 0;
    this.#restart(1);
    world.keepUp();
  }

  #restart(times: number): void {
    for (const name of this.#names) {
      if (this.#world.process(name) !== undefined || !this.#dice.oneIn(times)) continue;
      this.#world.start(name);
    }
  }

  #freeze(process: Process): void {
    const { scheduler, directory } = this.#world;
    const ms = this.#dice.between(50, this.#dice.oneIn(3) ? 4_500 : 900);
    this.#world.trace(process.actor, `stands still for ${ms.toFixed(0)} ms`);
    process.actor.frozenUntilMs = Math.max(process.actor.frozenUntilMs, scheduler.nowMs + ms);
    directory.frozen(process.actor, ms);
  }
}
