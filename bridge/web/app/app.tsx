import { useState } from 'preact/hooks';
import { SignIn } from '../sign-in/sign-in.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { ClientSession } from './client-session.tsx';
import type { ClientSource } from './client-source.ts';
import { CrashGuard } from './crash-guard.tsx';
import type { IdentityStore } from './identity.ts';

interface AppProps {
  identities: IdentityStore;
  source: ClientSource;
  /** Whether names alone are likely to do for signing in. */
  names: boolean;
}

/** Either nobody is signed in, or somebody is. */
export function App({ identities, source, names }: AppProps) {
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
          source={source}
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
