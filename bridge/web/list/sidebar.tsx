import { useChat } from '../app/client.ts';
import type { Drafts } from '../chat/drafts.ts';
import { Icon } from '../ui/icon.tsx';
import { Logo } from '../ui/logo.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import { ConversationList } from './conversation-list.tsx';
import { MeBar } from './me-bar.tsx';
import { useSettled } from './use-settled.ts';
import { Welcome } from './welcome.tsx';
import './sidebar.css';

interface SidebarProps {
  selected: string;
  drafts: Drafts;
  onFind: () => void;
  onNewGroup: () => void;
  onSignOut: () => void;
}

/** Everything that there is to go to. */
export function Sidebar({ selected, drafts, onFind, onNewGroup, onSignOut }: SidebarProps) {
  const client = useChat();
  const settled = useSettled(client);
  const { conversations } = client;
  return (
    <div class="sidebar">
      <header class="sidebar-header">
        <Logo size={32} />
        <span class="sidebar-name">Parley</span>
        <MenuButton
          icon="plus"
          label="New"
          items={[
            { label: 'New chat', icon: 'person', onSelect: onFind },
            { label: 'New group', icon: 'group', onSelect: onNewGroup },
          ]}
        />
      </header>
      <div class="sidebar-find">
        <button type="button" class="find-button" onClick={onFind} aria-keyshortcuts="Control+K Meta+K">
          <Icon name="search" size={18} />
          <span>Find or start a chat</span>
          <kbd>{isMac() ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
      </div>
      {conversations.length > 0 ? (
        <ConversationList conversations={conversations} selected={selected} drafts={drafts} />
      ) : settled ? (
        <>
          <p class="sidebar-none">No conversations yet</p>
          <div class="sidebar-welcome">
            <Welcome onFind={onFind} onNewGroup={onNewGroup} />
          </div>
        </>
      ) : (
        <Skeleton />
      )}
      <MeBar onSignOut={onSignOut} />
    </div>
  );
}

function Skeleton() {
  return (
    <ul class="list-skeleton" aria-label="Loading conversations" role="img">
      {[1, 2, 3, 4, 5].map((n) => (
        <li key={n}>
          <i />
          <b />
        </li>
      ))}
    </ul>
  );
}

function isMac(): boolean {
  return /mac|iphone|ipad/iu.test(navigator.userAgent);
}
