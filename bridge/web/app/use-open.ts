import { useEffect, useState } from 'preact/hooks';
import { type OpenConversation, openSummary } from '../chat/conversation-ref.ts';
import { useSettled } from '../list/use-settled.ts';
import { useChat } from './client.ts';
import { useRoute } from './use-route.ts';

export type Open =
  | { readonly t: 'none' }
  /** Nor is there anything to open. */
  | { readonly t: 'empty' }
  /** It isn't known yet whether there is such a conversation. */
  | { readonly t: 'loading' }
  | { readonly t: 'missing' }
  | { readonly t: 'open'; readonly conversation: OpenConversation };

/** What the address says is open. */
export function useOpen(): Open {
  const client = useChat();
  const route = useRoute();
  const settled = useSettled(client);
  const user = route.t === 'user' ? route.userId : '';
  const [direct, setDirect] = useState<{ user: string; convId: string }>();
  useEffect(() => {
    if (user === '') return undefined;
    let current = true;
    client.direct(user).then(
      (convId) => current && setDirect({ user, convId }),
      () => current && setDirect({ user, convId: '' }),
    );
    return () => {
      current = false;
    };
  }, [user, client, client.userId]);

  if (route.t === 'list') {
    if (client.conversations.length > 0) return { t: 'none' };
    return { t: settled ? 'empty' : 'loading' };
  }
  const convId =
    route.t === 'conversation' ? route.convId : direct?.user === user ? direct.convId : undefined;
  if (convId === undefined) return { t: 'loading' };
  const summary = client.conversations.find((conversation) => conversation.convId === convId);
  if (summary !== undefined) return { t: 'open', conversation: openSummary(summary) };
  if (!settled) return { t: 'loading' };
  if (route.t === 'conversation' || convId === '') return { t: 'missing' };
  return { t: 'open', conversation: { convId, title: user, peer: user, summary: undefined } };
}
