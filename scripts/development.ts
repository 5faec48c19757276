import { enableCompileCache } from 'node:module';

/** The command line in development mode, unless PARLEY_MODE says otherwise. */

process.env.PARLEY_MODE ??= 'development';
// The page offers notifications, which a single process otherwise keeps nothing for.
process.env.PARLEY_PUSH ??= 'true';
// Half of a start is compiling what the last one compiled already.
enableCompileCache(new URL('../node_modules/.cache/compile', import.meta.url).pathname);
await import('../services/main.ts');
