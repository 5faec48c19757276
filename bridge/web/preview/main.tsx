// First, so that the parts' own styles win.
import '../styles/tokens.css';
import '../styles/base.css';
import { render } from 'preact';
import { App } from '../app/app.tsx';
import type { ClientSource } from '../app/client-source.ts';
import { IdentityStore } from '../app/identity.ts';
import { storageOrMemory } from '../app/storage.ts';
import type { FakeClient } from './fake-client.ts';
import { sceneClient } from './scenes.ts';

declare global {
  interface Window {
    /** The client of who is signed in, for tests. */
    preview: FakeClient;
  }
}

const query = new URLSearchParams(location.search);
const scene = query.get('scene') ?? '';
const source: ClientSource = {
  async open(identity, onUnkept) {
    const client = sceneClient(scene, identity.t === 'name' ? identity.name : 'token user');
    window.preview = client;
    if (scene !== 'unkept') return client;
    client.onUnkept = onUnkept;
    onUnkept();
    return client;
  },
  async forget() {},
};
const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
render(
  <App
    identities={
      new IdentityStore({
        tab: storageOrMemory(() => sessionStorage),
        device: storageOrMemory(() => localStorage),
      })
    }
    source={source}
    names={query.get('names') !== 'no'}
  />,
  root,
);
