import { directConvId } from '../../services/core/conv-id.ts';
import type { UserId } from '../../services/core/ids.ts';
import type { Destination } from './crash-client.ts';
import type { Site } from './site.ts';
import type { WireKind } from './wire.ts';

export interface WorldUser {
  readonly name: string;
  readonly kind: WireKind;
  readonly destinations: readonly Destination[];
}

export interface WorldGroup {
  readonly id: string;
  /** The first one owns it. */
  readonly members: readonly string[];
}

export interface World {
  readonly users: readonly WorldUser[];
  readonly groups: readonly WorldGroup[];
  /** Pairs that write to each other. */
  readonly pairs: readonly (readonly [string, string])[];
}

const kinds: readonly WireKind[] = ['grpc', 'ws-proto', 'ws-json'];
const groupSize = 4;

/** Users by all doors, each in a group with three others and in touch with two neighbours. */
export function makeWorld(size: number): World {
  const names = Array.from({ length: size }, (_, i) => `user-${i}`);
  const name = (i: number) => names[i % size] as string;
  const groups: WorldGroup[] = [];
  for (let i = 0; i < size; i += groupSize) {
    const members = Array.from({ length: groupSize }, (_, j) => name(i + j));
    groups.push({ id: `group-${i / groupSize}`, members: [...new Set(members)] });
  }
  const pairs = names.map((user, i) => [user, name(i + 1)] as const);
  const users = names.map((user, i): WorldUser => {
    const peers = pairs
      .filter((pair) => pair.includes(user))
      .flatMap((pair) => pair.filter((p) => p !== user));
    return {
      name: user,
      kind: kinds[i % kinds.length] as WireKind,
      destinations: [
        ...groups
          .filter((group) => group.members.includes(user))
          .map(({ id }) => ({ convId: id, to: undefined })),
        ...peers.map((to) => ({ convId: directConvId(user as UserId, to as UserId), to })),
      ],
    };
  });
  return { users, groups, pairs };
}

export async function createGroups(world: World, site: Site): Promise<void> {
  for (const { id, members } of world.groups)
    await site.call(
      'GroupService/CreateGroup',
      {
        groupId: id,
        name: id,
        members: members.slice(1),
        // The owner, who was there from the beginning, reads the store for the checker.
        history: 'HISTORY_VISIBILITY_SINCE_JOIN',
        clientId: 'create',
      },
      members[0] as string,
    );
}
