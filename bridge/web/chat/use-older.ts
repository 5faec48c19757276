import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConversationLog } from '../../../sdk/types.ts';
import { useClient } from '../app/client.ts';
import { describeProblem } from '../app/problem.ts';
import { toast } from '../ui/toasts.tsx';
import { unreadIsOlder } from './rows.ts';

/** Pages that a jump to the first unread message may load. */
const mostPages = 200;

interface Older {
  /** Why the last try failed; empty when it did not. */
  readonly failed: string;
  readonly load: () => void;
  /** Loads until the first message behind a seq is there, then calls back. */
  readonly loadUntil: (unreadAfter: number, done: () => void) => void;
}

/** Loads older messages when the reader comes near the beginning of what there is. A failure waits for the reader. */
export function useOlder(log: ConversationLog, nearStart: boolean): Older {
  const client = useClient();
  const [failed, setFailed] = useState('');
  const [sought, setSought] = useState<{ unreadAfter: number; done: () => void }>();
  // From asking until the answer is known here: the log may say sooner that nothing is under way.
  const [busy, setBusy] = useState(false);
  const pages = useRef(0);

  const load = () => {
    setFailed('');
    setBusy(true);
    client
      .loadOlder(log.convId)
      .catch((thrown: unknown) => setFailed(describeProblem(thrown)))
      .finally(() => setBusy(false));
  };
  const wanted = nearStart || sought !== undefined;
  useEffect(() => {
    if (wanted && log.hasOlder && !log.loadingOlder && !busy && failed === '') load();
  }, [wanted, log, failed, busy]);
  useEffect(() => {
    if (sought === undefined) return;
    if (!unreadIsOlder(log, sought.unreadAfter)) {
      setSought(undefined);
      sought.done();
    } else if (failed !== '' || pages.current++ > mostPages) {
      setSought(undefined);
      toast(failed === '' ? 'That is too far back to jump to.' : failed);
    }
  }, [log, sought, failed]);
  const online = client.state.t === 'online';
  useEffect(() => {
    if (online) setFailed('');
  }, [online]);

  return {
    failed,
    load,
    loadUntil: (unreadAfter, done) => {
      pages.current = 0;
      setFailed('');
      setSought({ unreadAfter, done });
    },
  };
}
