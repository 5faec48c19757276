import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../../ui/button.tsx';
import { Logo } from '../../ui/logo.tsx';
import '../../sign-in/sign-in.css';
import '../../ui/field.css';

interface AdminSignInProps {
  /** Why the last attempt or session ended; empty when there was none. */
  problem: string;
  onSignIn: (token: string) => Promise<void>;
}

/** Asks for a service token. It is shown to nobody who looks over a shoulder, and never stands in the address. */
export function AdminSignIn({ problem, onSignIn }: AdminSignInProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const submit = async (): Promise<void> => {
    const token = typed.trim();
    if (token === '' || busy) return;
    setBusy(true);
    await onSignIn(token);
    setBusy(false);
  };
  return (
    <main class="sign-in">
      <form
        class="sign-in-card"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="sign-in-brand">
          <Logo size={48} />
          <h1 class="sign-in-title">Administration</h1>
          <p class="sign-in-lead">Of this Parley.</p>
        </div>
        {problem === '' ? null : (
          <p class="sign-in-problem" role="alert">
            {problem}
          </p>
        )}
        <div class="field">
          <label class="field-label" for={id}>
            Service token
          </label>
          <input
            ref={input}
            id={id}
            class="field-input"
            type="password"
            autoComplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
            aria-describedby={`${id}-note`}
          />
          <p id={`${id}-note`} class="field-note">
            With the scope “admin”, and “tokens” for revoking: parley token ops --service --scope admin,tokens
          </p>
        </div>
        <Button kind="primary" type="submit" disabled={busy || typed.trim() === ''}>
          {busy ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
    </main>
  );
}
