import { useContext, useEffect, useState } from 'preact/hooks';
import { KeptContext, useChat } from './client.ts';
import { useNow } from './use-now.ts';
import './connection-banner.css';

/** Short interruptions are nobody's business. */
const graceMs = 1_000;

/** Says when the connection is gone, and that nothing is lost by it, or how to lose nothing. */
export function ConnectionBanner() {
  const client = useChat();
  const { state } = client;
  const kept = useContext(KeptContext);
  const offline = state.t === 'waiting' || state.t === 'connecting';
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!offline) {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), graceMs);
    return () => clearTimeout(timer);
  }, [offline]);
  return (
    <div role="status" aria-live="polite">
      {shown && offline ? (
        <div class="banner">
          <span class="banner-dot" aria-hidden="true" />
          <span class="banner-text">
            <b>{state.t === 'connecting' ? 'Connecting…' : 'No connection.'}</b>{' '}
            {kept ? (
              <span class="banner-more">What you write is kept and sent as soon as it is back. </span>
            ) : (
              <span>Leave this page open: what you write is sent as soon as it is back. </span>
            )}
            {state.t === 'waiting' ? <Countdown untilMs={state.retryAtMs} /> : null}
          </span>
          <button
            type="button"
            class="banner-button"
            disabled={state.t !== 'waiting'}
            onClick={() => client.reconnectNow()}
          >
            Try now
          </button>
        </div>
      ) : null}
    </div>
  );
}

/** Kept out of what screen readers are told: they need not hear every second. */
function Countdown({ untilMs }: { untilMs: number }) {
  const now = useNow(500);
  const seconds = Math.max(0, Math.ceil((untilMs - now) / 1_000));
  return <span aria-hidden="true">{seconds === 0 ? 'Trying now…' : `Next try in ${seconds} s.`}</span>;
}
