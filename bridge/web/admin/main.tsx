// First, so that the parts' own styles win.
import '../styles/tokens.css';
import '../styles/base.css';
import { render } from 'preact';
import { storageOrMemory } from '../app/storage.ts';
import { AdminApp } from './app/admin-app.tsx';
import { TokenHolder } from './app/token-holder.ts';

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no #app');
// For this tab alone: whoever closes it is signed out.
render(<AdminApp tokens={new TokenHolder(storageOrMemory(() => sessionStorage))} />, root);
