import { describe, it } from 'node:test';
import { MemoryStore } from '../../services/message/testing/memory-store.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { StoreError } from '../../services/ports/message-store.ts';
import { Nodes } from '../helpers/nodes.ts';
import { checkLog, checkReceived } from './support/log-check.ts';
import { SimulatedClient } from './support/simulated-client.ts';

/**
 * Two owners of the same group on one store that dawdles, fails and forgets to say what it did, with clients that
 * pipeline, retry and give up. What comes out is compared with what the invariants promise.
 */

const group = 'garden' as ConvId;
const places = [
  ['ada', 0],
  ['bob', 0],
  ['bob', 1],
  ['cyd', 1],
] as const;
const runs = Number(process.env['SIMULATION_RUNS'] ?? 12);

class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    // Mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }
}

/** Makes operations take turns in any order, and some of them fail, until it is told to stop. */
function unsettle(store: MemoryStore, dice: Dice): { calm(): void } {
  let calm = false;
  store.turn = async (operation, when) => {
    for (let turns = dice.below(4); turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve));
    if (calm || dice.below(12) !== 0) return;
    if (operation === 'commit') {
      if (when === 'after') throw new StoreError('unknown', 'written, and nobody was told');
      throw new StoreError(dice.below(2) === 0 ? 'unknown' : 'unavailable', 'not written');
    }
    if (when === 'before') throw new StoreError('unavailable', `${operation} fails`);
  };
  return {
    calm: () => {
      calm = true;
    },
  };
}

async function simulate(seed: number): Promise<void> {
  const dice = new Dice(seed);
  const store = new MemoryStore();
  await using one = await Nodes.open({ store });
  await using other = await Nodes.open({ store });
  const owners = [one, other];
  await one.createGroup('ada', group, ['bob', 'cyd'], { history: 'all' });
  const clients: { readonly client: SimulatedClient; readonly at: number }[] = [];
  for (const [user, at] of places) {
    const session = await (owners[at] as Nodes).signIn(user, { deviceId: `${user} ${at}` });
    // From now on the group is hot with both owners: an edge of a cluster hears of both, here each hears of its own.
    await session.asked({ case: 'list', value: { convId: group } }, 'entries');
    clients.push({ client: new SimulatedClient(user, group, session), at });
  }
  const registered = store.log(group).length;
  const weather = unsettle(store, dice);
  const changes: Promise<unknown>[] = [];
  for (let step = 0; step < 60; step += 1) {
    const { client } = clients[dice.below(clients.length)] as (typeof clients)[number];
    const nodes = owners[dice.below(2)] as Nodes;
    const kind = dice.below(10);
    if (kind < 6) client.say(1 + dice.below(4));
    else if (kind === 6) client.giveUp(dice.below(4));
    else if (kind === 7) changes.push(nodes.kick('ada', group, 'cyd').catch(() => {}));
    else if (kind === 8) changes.push(nodes.add('ada', group, ['cyd']).catch(() => {}));
    for (let turns = dice.below(12); turns > 0; turns -= 1)
      await new Promise((resolve) => setImmediate(resolve));
  }
  weather.calm();
  for (const { client } of clients) await client.settled();
  await Promise.all(changes);
  // Whoever writes learns what the other has written. The very last entry is not known to the second owner.
  for (const [at, nodes] of [one, other, one, other, one].entries())
    await nodes.add('ada', group, [`late ${at}`]);
  const log = store.log(group);
  checkLog(log);
  for (const { client, at } of clients) {
    client.checkAnswers(log);
    await checkReceived(client, log, registered, log.length - at);
  }
}

describe('two owners on one store that fails', () => {
  for (let seed = 1; seed <= runs; seed += 1) {
    it(`I1, I2, I3, I4, I5: seed ${seed}`, () => simulate(seed));
  }
});
