import { useChat } from './client.ts';

/** Messages that the user has not read, of all conversations. */
export function useUnread(): number {
  const { conversations } = useChat();
  return conversations.reduce((sum, { unread }) => sum + unread, 0);
}
