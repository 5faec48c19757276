// First, so that the parts' own styles win.
import './styles/tokens.css';
import './styles/base.css';
import { render } from 'preact';
import { App } from './app/app.tsx';
import { IdentityStore } from './app/identity.ts';
import { serverSource } from './app/server-source.ts';
import { storageOrMemory } from './app/storage.ts';

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/u.test(location.hostname);
const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
// Development mode answers on the loopback alone: elsewhere nobody can sign in by name.
render(
  <App
    identities={
      new IdentityStore({
        tab: storageOrMemory(() => sessionStorage),
        device: storageOrMemory(() => localStorage),
      })
    }
    source={serverSource}
    names={loopback}
  />,
  root,
);
