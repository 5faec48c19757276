import type { ConvId } from '../../services/core/ids.ts';
import type { MessageProcess } from './message-process.ts';
import type { SimFinding } from './sim-findings.ts';
import { settled, tailReached } from './settled.ts';
import { simulateTimers } from './timers.ts';
import { judge } from './verdict.ts';
import { fairClimate } from './weather.ts';
import { World } from './world.ts';

/** A narrow window, played by hand on the nodes that the random schedules run on. */
export interface Interleaving {
  /** One word or more with dashes. */
  readonly name: string;
  readonly invariant: string;
  readonly what: string;
  /** Each of them is noticed in it. */
  readonly mutants: readonly string[];
  /** Of a link, where not all that a node has to say at once is to fit in one message. */
  readonly messageBytes?: number;
  play(world: World): Promise<void>;
  /** That what is meant to happen did; throws where it did not. */
  happened(world: World): void;
}

export const group = { convId: 'garden', to: undefined } as const;
/** The same node owns it. */
export const another = { convId: 'orchard', to: undefined } as const;

/** Plays it, mends everything, and gives what was found wrong. */
export async function playInterleaving({
  play,
  happened,
  messageBytes,
}: Interleaving): Promise<readonly SimFinding[]> {
  const world = new World({
    seed: 1,
    climate: fairClimate,
    owners: 1,
    edges: 2,
    groups: 1,
    hasEventLog: true,
    messageBytes,
  });
  using _timers = simulateTimers(world.scheduler);
  await world.scheduler.run(2_500);
  world.admin.create('ada', group.convId, ['bob', 'cyd'], 'all');
  await world.scheduler.run(500);
  for (const user of ['ada', 'bob', 'cyd']) world.addClient(user, 'one');
  await world.scheduler.run(1_000);
  await play(world);
  world.weather.calm();
  world.directory.calm();
  world.keepUp();
  await settled(world);
  await tailReached(world);
  judge(world, new Map());
  if (world.findings.all.length === 0) happened(world);
  for (const { actor } of world.clients) actor.alive = false;
  return world.findings.all;
}

/** m2 joins; m1 and one edge do not see it for so long, and go on as if all were m1's. */
export async function twoOwners(world: World, forMs: number): Promise<void> {
  for (const name of ['m1', 'e1']) world.directory.stick(name, forMs);
  world.start('m2');
  await world.scheduler.run(2_000);
}

export const log = (world: World) => world.rows.log(group.convId as ConvId);
export const texts = (world: World) => log(world).filter(({ kind }) => kind === 'message').length;
export const meters = (world: World, name: string) => (world.process(name) as MessageProcess).node?.meters;
