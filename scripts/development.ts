import { enableCompileCache } from 'node:module';

/** The command line in development mode, unless PARLEY_MODE says otherwise. */

process.env.PARLEY_MODE ??= 'development';
// Half of a start is compiling what the last one compiled already.
enableCompileCache(new URL('../node_modules/.cache/compile', import.meta.url).pathname);
await import('../services/main.ts');
