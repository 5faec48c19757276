import type { ConvId, UserId } from '../../services/core/ids.ts';
import type { World } from './world.ts';

const settleMs = 60_000;
const lookMs = 250;
/** From the last entry on, everybody who is linked has it within this time. */
const tailMs = 12_000;

/** Waits until everything is answered and nothing known is missing; that this never comes is a finding. */
export async function settled(world: World): Promise<void> {
  const { scheduler, clients, admin, findings } = world;
  for (let waitedMs = 0; waitedMs < settleMs; waitedMs += lookMs) {
    if (admin.settled && clients.every((client) => client.settled)) return;
    await scheduler.run(lookMs);
  }
  for (const { actor, state, settled: isSettled } of clients)
    if (!isSettled) findings.add('stuck', `${actor.name}: ${state}`);
  if (!admin.settled) findings.add('stuck', 'a change of a group is not answered');
}

/** What was committed last reaches everybody who is linked, without anything being sent after it. */
export async function tailReached(world: World): Promise<void> {
  const { scheduler, findings } = world;
  let lacking: string[] = [];
  for (let waitedMs = 0; waitedMs <= tailMs; waitedMs += lookMs) {
    lacking = world.clients.flatMap((client) => lackingTails(world, client));
    if (lacking.length === 0) return;
    await scheduler.run(lookMs);
  }
  for (const what of lacking) findings.add('tail', what);
}

function lackingTails(world: World, client: World['clients'][number]): string[] {
  const { rows } = world;
  return rows.convIds().flatMap((convId) => {
    const row = rows.memberRow(convId, client.user as UserId);
    if (row === undefined) return [];
    const end = row.leftSeq > 0 ? row.leftSeq : rows.log(convId).length;
    const head = client.headOf(convId);
    if (head >= end || isForOutbox(world, convId, head, end)) return [];
    return [`${client.actor.name} has ${convId} up to ${head}, and the log ends at ${end}`];
  });
}

/**
 * Whether nobody can know of what is missing: its writer was dead before it landed, or before it could tell anybody. The
 * outbox, which is not simulated here, tells of it; without that, whoever writes next does.
 */
function isForOutbox(world: World, convId: ConvId, head: number, end: number): boolean {
  const missing = world.rows.log(convId).slice(head, end);
  return (
    missing.every(({ msgId }) => world.isOrphaned(msgId)) &&
    world.clients.every((client) => client.headOf(convId) <= head)
  );
}
