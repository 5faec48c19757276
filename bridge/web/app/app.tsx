import { useState } from 'preact/hooks';
import { SignIn } from '../sign-in/sign-in.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { ClientSession } from './client-session.tsx';
import type { ClientSource } from './client-source.ts';
import { CrashGuard } from './crash-guard.tsx';
import type { Identity, IdentityStore } from './identity.ts';
import { describeReason } from './problem.ts';

interface AppProps {
  identities: IdentityStore;
  source: ClientSource;
  /** Whether names alone are likely to do for signing in. */
  names: boolean;
}

/** The server takes no names. */
const wantsToken = new Set(['developmentOnly', 'tokenMissing']);

/** Either nobody is signed in, or somebody is. */
export function App({ identities, source, names }: AppProps) {
  const [identity, setIdentity] = useState(() => identities.read());
  // Why the last session ended, as a stable reason; empty when the user ended it.
  const [refusal, setRefusal] = useState('');
  const [way, setWay] = useState<Identity['t']>(names ? 'name' : 'token');
  return (
    <CrashGuard>
      {identity === undefined ? (
        <SignIn
          problem={refusal === '' ? '' : describeReason(refusal)}
          way={way}
          onSignIn={(next, remember) => {
            identities.write(next, remember);
            setRefusal('');
            setIdentity(next);
          }}
        />
      ) : (
        <ClientSession
          identity={identity}
          source={source}
          onSignOut={(reason) => {
            identities.clear();
            setRefusal(reason);
            setWay(wantsToken.has(reason) ? 'token' : identity.t);
            setIdentity(undefined);
          }}
        />
      )}
      <Toasts />
    </CrashGuard>
  );
}
