import { useContext, useEffect } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { KeptContext, useChat } from './client.ts';
import { describeReason } from './problem.ts';
import { Shell } from './shell.tsx';

interface SessionGateProps {
  /** With the reason, or an empty text when the user asked for it. */
  onSignOut: (reason: string) => void;
  onOpenAgain: () => void;
}

/** Endings that another sign-in cures. */
const signInAgain = new Set([
  'tokenMissing',
  'tokenInvalid',
  'tokenExpired',
  'tokenRevoked',
  'developmentOnly',
  'invalidId',
  'invalidField',
]);

/** The chat while the session lives; once it has ended for good, why, and what to do. */
export function SessionGate({ onSignOut, onOpenAgain }: SessionGateProps) {
  const { state } = useChat();
  const kept = useContext(KeptContext);
  const reason = state.t === 'ended' ? state.reason : '';
  const refused = signInAgain.has(reason);
  useEffect(() => {
    if (refused) onSignOut(reason);
  }, [refused]);
  if (refused) return null;
  if (reason === '') return <Shell onSignOut={() => onSignOut('')} />;
  return (
    <main class="session-ended">
      <Empty
        icon="leave"
        title={reason === 'superseded' ? 'Parley is open elsewhere' : 'You are disconnected'}
        text={
          reason === 'superseded'
            ? `This tab’s session was taken over by a newer one.${kept ? ' Nothing is lost.' : ''}`
            : describeReason(reason)
        }
      >
        <Button kind="primary" onClick={onOpenAgain}>
          {reason === 'superseded' ? 'Use it here' : 'Connect again'}
        </Button>
        <Button onClick={() => onSignOut('')}>Sign out</Button>
      </Empty>
    </main>
  );
}
