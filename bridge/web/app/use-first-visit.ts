import { useEffect } from 'preact/hooks';
import { useChat } from './client.ts';
import { replaceRoute, useRoute } from './use-route.ts';

/** The group that everybody finds in development. */
const lobby = 'lobby';

/**
 * Opens something when the address names nothing: the lobby at the first visit, later what was open last. On a phone
 * later visits begin with the list, which is the whole page there.
 */
export function useFirstVisit(): void {
  const client = useChat();
  const route = useRoute();
  const key = `parley.last:${encodeURIComponent(client.userId)}`;
  const { conversations } = client;
  useEffect(() => {
    if (route.t !== 'list' || conversations.length === 0) return;
    const last = read(key);
    if (last === '') open(lobby);
    else if (matchMedia('(min-width: 720px)').matches) open(last);

    function open(convId: string): void {
      if (conversations.some((conversation) => conversation.convId === convId))
        replaceRoute({ t: 'conversation', convId });
    }
  }, [route.t, conversations]);
  const convId = route.t === 'conversation' ? route.convId : '';
  useEffect(() => {
    if (convId !== '') write(key, convId);
  }, [convId, key]);
}

function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is blocked: every visit is the first.
  }
}
