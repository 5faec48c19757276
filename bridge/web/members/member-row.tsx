import { Role } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { Member } from '../../../gen/parley/chat/v1/group_pb.ts';
import { useChat } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { goTo } from '../app/use-route.ts';
import { roleName } from '../chat/wording.ts';
import { Avatar } from '../ui/avatar.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import { toast } from '../ui/toasts.tsx';
import { outranks } from './use-members.ts';

interface MemberRowProps {
  member: Member;
  groupId: string;
  /** What the user is in the group. */
  myRole: Role;
}

export function MemberRow({ member, groupId, myRole }: MemberRowProps) {
  const client = useChat();
  const { userId, role } = member;
  const me = userId === client.userId;
  const online = client.presence(userId)?.online === true;
  const { groups } = client;
  const act = (action: Promise<void>) => {
    action.catch((thrown: unknown) => toast(describeProblem(thrown)));
  };
  const items: MenuItem[] = [];
  if (!me)
    items.push({ label: 'Write a message', icon: 'edit', onSelect: () => goTo({ t: 'user', userId }) });
  if (!me && myRole === Role.OWNER) {
    if (role === Role.ADMIN)
      items.push({
        label: 'Make a member',
        icon: 'minus',
        onSelect: () => act(groups.setRole(groupId, userId, Role.MEMBER)),
      });
    else
      items.push({
        label: 'Make an admin',
        icon: 'shield',
        onSelect: () => act(groups.setRole(groupId, userId, Role.ADMIN)),
      });
    items.push({
      label: 'Make the owner',
      icon: 'crown',
      onSelect: () => act(groups.setRole(groupId, userId, Role.OWNER)),
    });
  }
  if (!me && outranks(myRole, role))
    items.push({
      label: 'Remove from group',
      icon: 'leave',
      danger: true,
      onSelect: () => act(groups.remove(groupId, userId)),
    });
  return (
    <li class={items.length === 0 ? 'member member-alone' : 'member'}>
      <Avatar id={userId} name={userId} size="small" online={online} />
      <span class="member-text">
        <span class="member-name ellipsis">
          <bdi>{userId}</bdi>
          {me ? ' (you)' : ''}
          {online ? <span class="visually-hidden">, online</span> : null}
        </span>
        {role === Role.MEMBER ? null : <span class="member-role">{roleName(role)}</span>}
      </span>
      {items.length === 0 ? null : <MenuButton icon="more" label={`Actions for ${userId}`} items={items} />}
    </li>
  );
}
