import { Chat } from '../chat/chat.tsx';
import type { Drafts } from '../chat/drafts.ts';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Welcome } from '../list/welcome.tsx';
import type { Open } from './use-open.ts';
import { goTo } from './use-route.ts';

interface MainPaneProps {
  open: Open;
  drafts: Drafts;
  panel: boolean;
  onPanel: (open: boolean) => void;
  onFind: () => void;
  onNewGroup: () => void;
}

/** What is open, or why nothing is. */
export function MainPane({ open, drafts, panel, onPanel, onFind, onNewGroup }: MainPaneProps) {
  return (
    <main class="main-pane">
      {open.t === 'open' ? (
        <Chat
          key={open.conversation.convId}
          open={open.conversation}
          drafts={drafts}
          panel={panel}
          onPanel={onPanel}
        />
      ) : null}
      {open.t === 'loading' ? <span class="spinner main-spinner" role="img" aria-label="Loading" /> : null}
      {open.t === 'missing' ? (
        <Empty
          icon="search"
          title="Nothing here"
          text="This conversation doesn’t exist, or you are not a member of it."
        >
          <Button onClick={() => goTo({ t: 'list' })}>Back to conversations</Button>
        </Empty>
      ) : null}
      {open.t === 'none' ? (
        <Empty icon="edit" title="Nothing open" text="Choose a conversation, or begin a new one.">
          <Button kind="primary" onClick={onFind}>
            Find or start a chat
          </Button>
        </Empty>
      ) : null}
      {open.t === 'empty' ? <Welcome onFind={onFind} onNewGroup={onNewGroup} /> : null}
    </main>
  );
}
