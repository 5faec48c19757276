import type { UserId } from '../../services/core/ids.ts';
import type { World } from './world.ts';

const settleMs = 60_000;
const lookMs = 250;
/**
 * From the last entry on, everybody who is linked has it within this time, and so has the event log: the lease of a dead
 * writer lapses (5 s), and where the nodes differ on who adopts what it left, all try after 10 s more.
 */
const tailMs = 20_000;

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

/** What was committed last reaches everybody who is linked, and the event log, without anything being sent after it. */
export async function tailReached(world: World): Promise<void> {
  const { scheduler, findings } = world;
  let lacking: string[] = [];
  for (let waitedMs = 0; waitedMs <= tailMs; waitedMs += lookMs) {
    lacking = [...world.clients.flatMap((client) => lackingTails(world, client)), ...untoldEvents(world)];
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
    return head >= end
      ? []
      : [`${client.actor.name} has ${convId} up to ${head}, and the log ends at ${end}`];
  });
}

/** What the event log was not told of: the relay of whoever wrote it does that, or who adopts what a dead node left. */
function untoldEvents({ rows, eventLog }: World): string[] {
  if (eventLog === undefined) return [];
  return rows.convIds().flatMap((convId) =>
    rows
      .log(convId)
      .filter(({ msgId }) => !eventLog.has(msgId))
      .map(({ seq }) => `the event log was not told of ${seq} of ${convId}`),
  );
}
