import { createContext } from 'preact';
import { useContext, useLayoutEffect, useReducer } from 'preact/hooks';
import type { ChatClient, ConversationLog, Unsubscribe } from '../../../sdk/types.ts';

export const ClientContext = createContext<ChatClient | undefined>(undefined);

/** Whether this browser keeps what is written until it is sent, whatever happens to the page. */
export const KeptContext = createContext(true);

/** The client, without following its changes: for actions. */
export function useClient(): ChatClient {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error('no chat client around');
  return client;
}

/** The client; draws again when its state, conversations or presence change. */
export function useChat(): ChatClient {
  const client = useClient();
  useChanges((listener) => client.onChange(listener), client);
  return client;
}

/** A conversation's log as it is now. */
export function useLog(convId: string): ConversationLog {
  const client = useClient();
  useChanges((listener) => client.onLog(convId, listener), `${convId}`);
  return client.log(convId);
}

function useChanges(subscribe: (listener: () => void) => Unsubscribe, source: unknown): void {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useLayoutEffect(() => subscribe(() => redraw(undefined)), [source]);
}
