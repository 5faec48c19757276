import { useEffect, useState } from 'preact/hooks';
import type { ChatClient } from '../../../sdk/types.ts';

/** The list is filled right after the connection opens; until then an empty one means nothing. */
const fillTimeMs = 1_200;

/** Whether an empty list of conversations is really empty. */
export function useSettled(client: ChatClient): boolean {
  const [settled, setSettled] = useState(false);
  const online = client.state.t === 'online';
  useEffect(() => {
    if (!online) return undefined;
    const timer = setTimeout(() => setSettled(true), fillTimeMs);
    return () => clearTimeout(timer);
  }, [online]);
  return settled;
}
