import { useState } from 'preact/hooks';
import type { ChatClient } from '../../../sdk/types.ts';
import { SignIn } from '../sign-in/sign-in.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { ClientSession } from './client-session.tsx';
import { CrashGuard } from './crash-guard.tsx';
import type { Identity, IdentityStore } from './identity.ts';

interface AppProps {
  identities: IdentityStore;
  /** Makes a client that is not started yet. */
  openClient: (identity: Identity) => ChatClient;
  /** Whether names alone are likely to do for signing in. */
  names: boolean;
}

/** Either nobody is signed in, or somebody is. */
export function App({ identities, openClient, names }: AppProps) {
  const [identity, setIdentity] = useState(() => identities.read());
  const [problem, setProblem] = useState('');
  return (
    <CrashGuard>
      {identity === undefined ? (
        <SignIn
          problem={problem}
          names={names}
          onSignIn={(next, remember) => {
            identities.write(next, remember);
            setProblem('');
            setIdentity(next);
          }}
        />
      ) : (
        <ClientSession
          identity={identity}
          openClient={openClient}
          onSignOut={(why) => {
            identities.clear();
            setProblem(why);
            setIdentity(undefined);
          }}
        />
      )}
      <Toasts />
    </CrashGuard>
  );
}
