import { useState } from 'preact/hooks';
import { useChat } from '../app/client.ts';
import { currentTheme, setTheme, type Theme } from '../app/theme.ts';
import { type Notifications, useNotifications } from '../notifications/use-notifications.ts';
import { Avatar } from '../ui/avatar.tsx';
import { MenuButton } from '../ui/menu-button.tsx';
import type { IconName } from '../ui/icon.tsx';
import type { MenuItem } from '../ui/menu.tsx';
import { toast } from '../ui/toasts.tsx';
import './me-bar.css';

const themes: readonly { theme: Theme; label: string; icon: IconName }[] = [
  { theme: 'system', label: 'Theme of the system', icon: 'desktop' },
  { theme: 'light', label: 'Light', icon: 'sun' },
  { theme: 'dark', label: 'Dark', icon: 'moon' },
];

/** Who is signed in, and what concerns the whole page. */
export function MeBar({ onSignOut }: { onSignOut: () => void }) {
  const client = useChat();
  const [theme, setShown] = useState(currentTheme);
  const online = client.state.t === 'online';
  const notifications = useNotifications();
  return (
    <footer class="me-bar">
      <Avatar id={client.userId} name={client.userId} online={online} />
      <div class="me-who">
        <bdi class="me-name ellipsis">{client.userId}</bdi>
        <span class="me-state">{online ? 'Online' : 'Not connected'}</span>
      </div>
      <MenuButton
        icon="more"
        label="Settings"
        items={[
          ...themes.map((choice) => ({
            label: choice.label,
            icon: choice.icon,
            checked: choice.theme === theme,
            onSelect: () => {
              setTheme(choice.theme);
              setShown(choice.theme);
            },
          })),
          ...switchOf(notifications),
          { label: 'Sign out', icon: 'leave', onSelect: onSignOut },
        ]}
      />
    </footer>
  );
}

/** Nobody is asked before he turns it. */
function switchOf({ state, toggle }: Notifications): MenuItem[] {
  if (state === 'unavailable') return [];
  const on = state === 'on';
  const said = 'The browser blocks notifications of this page: allow them in its settings.';
  return [
    {
      label: 'Notifications',
      icon: on ? 'bell' : 'bellOff',
      checked: on,
      isSwitch: true,
      onSelect: state === 'denied' ? () => toast(said) : toggle,
    },
  ];
}
