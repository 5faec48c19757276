import { useEffect, useState } from 'preact/hooks';
import type { ChatClient } from '../../../sdk/types.ts';
import { turnOff } from '../notifications/notifications.ts';
import { toast } from '../ui/toasts.tsx';
import { ClientContext, KeptContext } from './client.ts';
import type { ClientSource } from './client-source.ts';
import type { Identity } from './identity.ts';
import { SessionGate } from './session-gate.tsx';

interface ClientSessionProps {
  identity: Identity;
  source: ClientSource;
  /** With the reason, or an empty text when the user asked for it. */
  onSignOut: (reason: string) => void;
}

/** Holds the client of who is signed in, from start to close. */
export function ClientSession({ identity, source, onSignOut }: ClientSessionProps) {
  const [again, setAgain] = useState(0);
  // What failed once is not relied on again, even where a new client opens the storage anew.
  const [kept, setKept] = useState(true);
  const client = useOpenClient({ source, identity, again, onUnkept: () => setKept(false) });
  useEffect(() => {
    if (!kept) toast('This browser doesn’t keep what you write. Leave this page open until it is sent.');
  }, [kept]);
  useNetwork(client);
  if (client === undefined) return null;
  const signOut = async (reason: string) => {
    onSignOut(reason);
    // Whoever signs in next in this browser is not told of what was for this one.
    if (reason === '') await Promise.race([turnOff(client.devices), patience()]).catch(() => undefined);
    await client.close();
    if (reason === '') await source.forget(identity);
  };
  return (
    <ClientContext.Provider value={client}>
      <KeptContext.Provider value={kept}>
        <SessionGate
          key={again}
          onSignOut={(reason) => void signOut(reason)}
          onOpenAgain={() => setAgain((n) => n + 1)}
        />
      </KeptContext.Provider>
    </ClientContext.Provider>
  );
}

/** Without a server, nobody waits for it to forget the device: it finds out from the push service. */
function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3_000));
}

interface Opening {
  readonly source: ClientSource;
  readonly identity: Identity;
  /** Another number, another client. */
  readonly again: number;
  readonly onUnkept: () => void;
}

function useOpenClient({ source, identity, again, onUnkept }: Opening): ChatClient | undefined {
  const [opened, setOpened] = useState<{ client: ChatClient; again: number }>();
  useEffect(() => {
    let wanted = true;
    const opening = source.open(identity, () => {
      if (wanted) onUnkept();
    });
    void opening.then((client) => {
      if (!wanted) return;
      client.start();
      setOpened({ client, again });
    });
    return () => {
      wanted = false;
      void opening.then((client) => client.close());
    };
  }, [source, identity, again]);
  return opened?.again === again ? opened.client : undefined;
}

/** The browser knows before any timer does that the network is back, or that the lid was opened. */
function useNetwork(client: ChatClient | undefined): void {
  useEffect(() => {
    if (client === undefined) return undefined;
    const resume = () => {
      if (document.visibilityState === 'visible') client.reconnectNow();
    };
    addEventListener('online', resume);
    document.addEventListener('visibilitychange', resume);
    return () => {
      removeEventListener('online', resume);
      document.removeEventListener('visibilitychange', resume);
    };
  }, [client]);
}
