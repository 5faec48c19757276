import type { Dice } from './dice.ts';
import type { Destination, SimClient } from './sim-client.ts';
import { directOf, type World } from './world.ts';

const group = 'garden';
const users = ['ada', 'bob', 'cyd'] as const;

/** What clients do in a schedule: they write, repeat themselves, give up, come and go; groups change. */
export class Traffic {
  /** By conversation, the two users of a direct one. */
  readonly directs = new Map<string, readonly [string, string]>();
  readonly #world: World;
  readonly #dice: Dice;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    for (const [one, other] of [
      ['ada', 'bob'],
      ['bob', 'cyd'],
    ] as const)
      this.directs.set(directOf(one, other).convId, [one, other]);
  }

  /** Nodes find each other, a group is made, clients sign in. */
  async begin(): Promise<void> {
    const { scheduler, admin } = this.#world;
    await scheduler.run(this.#dice.between(1_800, 2_600));
    admin.create('ada', group, ['bob', 'cyd'], this.#dice.oneIn(2) ? 'all' : 'sinceJoin');
    for (const user of users) this.#world.addClient(user, 'one');
    if (this.#dice.oneIn(2)) this.#world.addClient('bob', 'two');
    for (let waits = 0; waits < 40 && !admin.settled; waits += 1) await scheduler.run(200);
  }

  step(): void {
    const dice = this.#dice;
    const { admin } = this.#world;
    const client = dice.pick(this.#world.clients);
    const kind = dice.below(24);
    if (kind < 13) this.#say(client);
    else if (kind === 13) client.repeat();
    else if (kind === 14) client.skip(this.#destination(client).convId);
    else if (kind === 15) client.recall(this.#destination(client).convId);
    else if (kind === 16) client.reconnect();
    else if (kind === 17) client.connection?.lose();
    else if (kind === 18) client.connection?.stall(dice.between(10, 1_500));
    else if (kind === 19) admin.kick('ada', group, dice.pick(['bob', 'cyd']));
    else if (kind === 20) admin.add('ada', group, [dice.pick(['bob', 'cyd', 'dan'])]);
    else if (kind === 21) admin.leave(dice.pick(['bob', 'cyd']), group);
  }

  /** Everybody writes once more where they may: whoever missed something hears of it now at the latest. */
  last(): void {
    for (const client of this.#world.clients)
      for (const destination of this.#destinations(client)) client.say(destination);
  }

  #say(client: SimClient): void {
    const destination = this.#destination(client);
    for (let count = 1 + this.#dice.below(4); count > 0; count -= 1) client.say(destination);
  }

  #destination(client: SimClient): Destination {
    return this.#dice.oneIn(2)
      ? { convId: group, to: undefined }
      : this.#dice.pick(this.#destinations(client));
  }

  #destinations({ user }: SimClient): Destination[] {
    const found: Destination[] = [{ convId: group, to: undefined }];
    for (const [one, other] of this.directs.values())
      if (user === one) found.push(directOf(user, other));
      else if (user === other) found.push(directOf(user, one));
    return found;
  }
}
