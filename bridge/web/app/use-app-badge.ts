import { useEffect } from 'preact/hooks';
import { useAttention } from './use-attention.ts';
import { useUnread } from './use-unread.ts';

/**
 * The number at the app's icon, where the page is installed: as many as are unread. Pushes raise it, and nothing else
 * would take it down; so it is also set when somebody looks, as pushes may have come while the page was asleep.
 */
export function useAppBadge(): void {
  const unread = useUnread();
  const attention = useAttention();
  useEffect(() => showBadge(unread), [unread, attention]);
  useEffect(() => () => showBadge(0), []);
}

/** A badge of 0 is none. Not every browser has them, and some only for apps that are installed. */
function showBadge(count: number): void {
  void navigator.setAppBadge?.(count).catch(() => undefined);
}
