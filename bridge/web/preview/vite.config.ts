import { fileURLToPath } from 'node:url';
import { mergeConfig } from 'vite';
import page from '../vite.config.ts';

// The page has more than one entry; this has its own.
const { rolldownOptions: _entries, ...build } = page.build ?? {};

/** The page on a client that is made up: for looking at every state, and for tests without a server. */
export default mergeConfig(
  { ...page, build },
  {
    root: fileURLToPath(new URL('.', import.meta.url)),
    publicDir: fileURLToPath(new URL('../public', import.meta.url)),
    build: { outDir: fileURLToPath(new URL('../../../dist/web-preview', import.meta.url)) },
  },
);
