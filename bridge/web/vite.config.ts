import { fileURLToPath } from 'node:url';
import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

/** The page, built to dist/web. Nothing is inlined, so that a strict content security policy can be served. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [preact()],
  build: {
    outDir: fileURLToPath(new URL('../../dist/web', import.meta.url)),
    emptyOutDir: true,
    rolldownOptions: {
      // The page, and the administration on a page of its own.
      input: ['index.html', 'admin/index.html'].map((page) => fileURLToPath(new URL(page, import.meta.url))),
    },
    // What light-dark() asks for, and in Firefox popovers and Intl.Segmenter.
    target: ['chrome123', 'firefox125', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/ws': { target: 'http://127.0.0.1:9501', ws: true },
      '/api': 'http://127.0.0.1:9501',
      '/parley.chat.v1': 'http://127.0.0.1:9501',
    },
  },
});
