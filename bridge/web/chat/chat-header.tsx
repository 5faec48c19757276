import { useChat } from '../app/client.ts';
import { lastSeen } from '../app/times.ts';
import { goTo } from '../app/use-route.ts';
import { useNow } from '../app/use-now.ts';
import { MuteButton } from '../notifications/mute-button.tsx';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/button.tsx';
import type { OpenConversation } from './conversation-ref.ts';
import './chat-header.css';

interface ChatHeaderProps {
  open: OpenConversation;
  panel: boolean;
  onPanel: (open: boolean) => void;
}

export function ChatHeader({ open, panel, onPanel }: ChatHeaderProps) {
  const group = open.peer === '';
  return (
    <header class="chat-header">
      <IconButton
        class="chat-back"
        icon="back"
        label="Back to conversations"
        onClick={() => goTo({ t: 'list' })}
      />
      {group ? <Avatar id={open.convId} name={open.title} group /> : <PeerAvatar peer={open.peer} />}
      <div class="chat-who">
        <h1 class="chat-title ellipsis" dir="auto">
          {open.title}
        </h1>
        <p class="chat-subtitle ellipsis">
          {group ? <GroupLine open={open} /> : <PeerLine peer={open.peer} />}
        </p>
      </div>
      {open.summary?.left === false ? <MuteButton convId={open.convId} /> : null}
      {group && open.summary?.left === false ? (
        <IconButton icon="group" label="Members" aria-pressed={panel} onClick={() => onPanel(!panel)} />
      ) : null}
    </header>
  );
}

function PeerAvatar({ peer }: { peer: string }) {
  const online = useChat().presence(peer)?.online === true;
  return <Avatar id={peer} name={peer} online={online} />;
}

function GroupLine({ open }: { open: OpenConversation }) {
  const count = open.summary?.memberCount ?? 0;
  if (open.summary?.left === true) return <>You are no longer a member</>;
  return <>{count === 1 ? '1 member' : `${count.toLocaleString()} members`}</>;
}

function PeerLine({ peer }: { peer: string }) {
  const client = useChat();
  const now = useNow(30_000);
  if (peer === client.userId) return <>you</>;
  const presence = client.presence(peer);
  if (presence?.online === true) return <span class="chat-online">online</span>;
  if (presence === undefined || presence.lastSeenAtMs === 0) return null;
  return <>{lastSeen(presence.lastSeenAtMs, now)}</>;
}
