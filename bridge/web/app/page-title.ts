import { useEffect } from 'preact/hooks';
import { useChat } from './client.ts';
import { useUnread } from './use-unread.ts';

/** `(3) lobby · Parley` in the tab. */
export function usePageTitle(selected: string): void {
  const { conversations } = useChat();
  const unread = useUnread();
  const title = conversations.find(({ convId }) => convId === selected)?.title ?? '';
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread > 999 ? '999+' : unread}) ` : ''}${title === '' ? '' : `${title} · `}Parley`;
    return () => {
      document.title = 'Parley';
    };
  }, [unread, title]);
}
