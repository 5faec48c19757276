import { userName } from '../generator/client.ts';
import type { Generator } from '../generator.ts';
import type { ParleyServer } from '../targets/parley.ts';

/** Users with a life: ten groups of fifty each, and ten friends. */
export const conversationsEach = 20;
const groupsEach = 10;
const groupSize = 50;
/** Each writes to this many; as many write to them. */
const friendsWrittenTo = 5;
const callsAtOnce = 20;

const blocks = (users: number): number => Math.ceil(users / groupSize);
const groupId = (block: number, i: number): string => `b${block}-${i}`;

/** Makes the conversations of a crowd. Its users are multiples of fifty. */
export async function settle(server: ParleyServer, generator: Generator, users: number): Promise<void> {
  const groups: (() => Promise<unknown>)[] = [];
  for (let block = 0; block < blocks(users); block++) {
    const members = Array.from({ length: groupSize }, (_, i) => userName(block * groupSize + i));
    for (let i = 0; i < groupsEach; i++)
      groups.push(() =>
        server.call(
          'GroupService/CreateGroup',
          { groupId: groupId(block, i), name: `group ${i}`, members: members.slice(1), clientId: 'create' },
          members[0] as string,
        ),
      );
  }
  await inParallel(groups);
  const { failures } = await generator.connect({ port: server.ports.ws, users, atOnce: 50 });
  if (failures.length > 0) throw new Error(`the crowd can't settle: ${failures.join('; ')}`);
  await generator.befriend(friendsWrittenTo);
  await generator.connect({ port: server.ports.ws, users, atOnce: 50 });
  await generator.disconnect();
}

/** One message in one group of each block: everybody has one conversation that changed. */
export async function stir(server: ParleyServer, users: number): Promise<void> {
  await inParallel(
    Array.from({ length: blocks(users) }, (_, block) => () => {
      const send = { convId: groupId(block, 0), clientId: `stir-${Date.now()}`, body: { text: 'news' } };
      return server.call('MessageService/Send', { send }, userName(block * groupSize));
    }),
  );
}

async function inParallel(calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < calls.length) await calls[next++]?.();
  };
  await Promise.all(Array.from({ length: callsAtOnce }, worker));
}
