import { useState } from 'preact/hooks';
import type { Identity } from '../app/identity.ts';
import { nameProblem, tidyName } from '../app/name-problem.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Logo } from '../ui/logo.tsx';
import './sign-in.css';

interface SignInProps {
  /** Why the last attempt or session ended; empty when there was none. */
  problem: string;
  /** What to ask for first. */
  way: Identity['t'];
  onSignIn: (identity: Identity, remember: boolean) => void;
}

/** Asks who the user is: a name where the server runs for development, else a token of the host application. */
export function SignIn({ problem, way: first, onSignIn }: SignInProps) {
  const [way, setWay] = useState(first);
  const [typed, setTyped] = useState('');
  const [remember, setRemember] = useState(first === 'name');
  const [refused, setRefused] = useState('');
  const submit = () => {
    const value = tidyName(typed);
    const wrong = way === 'name' ? nameProblem(value) : tokenProblem(value);
    setRefused(wrong);
    if (wrong === '')
      onSignIn(way === 'name' ? { t: 'name', name: value } : { t: 'token', token: value }, remember);
  };
  const switchTo = (next: Identity['t']) => {
    setWay(next);
    setTyped('');
    setRefused('');
    setRemember(next === 'name');
  };
  return (
    <main class="sign-in">
      <form
        class="sign-in-card"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div class="sign-in-brand">
          <Logo size={48} />
          <h1 class="sign-in-title">Parley</h1>
          <p class="sign-in-lead">A place to talk.</p>
        </div>
        {problem === '' ? null : (
          <p class="sign-in-problem" role="alert">
            {problem}
          </p>
        )}
        {way === 'name' ? (
          <Field
            key="name"
            label="Your name"
            placeholder="for example alice"
            autoComplete="username"
            verbatim
            value={typed}
            problem={refused}
            onValue={setTyped}
          />
        ) : (
          <Field
            key="token"
            label="Token"
            hint="A JWT from your application."
            verbatim
            value={typed}
            problem={refused}
            onValue={setTyped}
          />
        )}
        <label class="sign-in-remember">
          <input
            type="checkbox"
            checked={remember}
            onChange={(event) => setRemember(event.currentTarget.checked)}
          />
          Keep me signed in on this device
        </label>
        <Button kind="primary" type="submit">
          Sign in
        </Button>
        <button
          type="button"
          class="sign-in-other"
          onClick={() => switchTo(way === 'name' ? 'token' : 'name')}
        >
          {way === 'name' ? 'Sign in with a token' : 'Sign in with a name (development)'}
        </button>
      </form>
    </main>
  );
}

function tokenProblem(token: string): string {
  if (token === '') return 'Paste a token.';
  return /^[\w-]+\.[\w-]+\.[\w-]+$/u.test(token) ? '' : 'This doesn’t look like a JWT.';
}
