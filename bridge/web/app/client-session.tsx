import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ChatClient } from '../../../sdk/types.ts';
import { ClientContext } from './client.ts';
import type { Identity } from './identity.ts';
import { SessionGate } from './session-gate.tsx';

interface ClientSessionProps {
  identity: Identity;
  openClient: (identity: Identity) => ChatClient;
  /** With the reason, or an empty text when the user asked for it. */
  onSignOut: (why: string) => void;
}

/** Holds the client of who is signed in, from start to close. */
export function ClientSession({ identity, openClient, onSignOut }: ClientSessionProps) {
  const [again, setAgain] = useState(0);
  const client = useMemo(() => openClient(identity), [identity, again]);
  useEffect(() => {
    client.start();
    return () => void client.close();
  }, [client]);
  return (
    <ClientContext.Provider value={client}>
      <SessionGate key={again} onSignOut={onSignOut} onOpenAgain={() => setAgain((n) => n + 1)} />
    </ClientContext.Provider>
  );
}
