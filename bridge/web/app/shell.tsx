import { useEffect, useState } from 'preact/hooks';
import { Finder } from '../list/finder.tsx';
import { NewGroup } from '../list/new-group.tsx';
import { Sidebar } from '../list/sidebar.tsx';
import { useClient } from './client.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { MainPane } from './main-pane.tsx';
import { usePageTitle } from './page-title.ts';
import { useAppBadge } from './use-app-badge.ts';
import { useDraftsOf } from './use-drafts-of.ts';
import { useFirstVisit } from './use-first-visit.ts';
import { useOpen } from './use-open.ts';
import { useRoute } from './use-route.ts';
import { useShortcuts } from './use-shortcuts.ts';
import './shell.css';

/** The whole of the page for somebody who is signed in. */
export function Shell({ onSignOut }: { onSignOut: () => void }) {
  const client = useClient();
  const route = useRoute();
  const open = useOpen();
  const [dialog, setDialog] = useState<'find' | 'group'>();
  const [panel, setPanel] = useState(false);
  const drafts = useDraftsOf(client.userId);
  const selected = open.t === 'open' ? open.conversation.convId : '';
  useFirstVisit();
  usePageTitle(selected);
  useAppBadge();
  useShortcuts({ onFind: () => setDialog('find') });
  useEffect(() => {
    // Over a narrow conversation the panel would hide what one went to.
    if (!matchMedia('(min-width: 1080px)').matches) setPanel(false);
  }, [selected]);
  const close = () => setDialog(undefined);
  return (
    <div class={`shell ${route.t === 'list' ? 'shell-list' : 'shell-chat'}`}>
      <ConnectionBanner />
      <div class="shell-panes">
        <Sidebar
          selected={selected}
          drafts={drafts}
          onFind={() => setDialog('find')}
          onNewGroup={() => setDialog('group')}
          onSignOut={() => {
            drafts.clear();
            onSignOut();
          }}
        />
        <MainPane
          open={open}
          drafts={drafts}
          panel={panel}
          onPanel={setPanel}
          onFind={() => setDialog('find')}
          onNewGroup={() => setDialog('group')}
        />
      </div>
      {dialog === 'find' ? <Finder onClose={close} /> : null}
      {dialog === 'group' ? <NewGroup onClose={close} /> : null}
    </div>
  );
}
