import { enableCompileCache } from 'node:module';
import { compileCache } from './compile-cache.ts';

/** The command line in development mode, unless PARLEY_MODE says otherwise. */

process.env.PARLEY_MODE ??= 'development';
// The page offers notifications, which a single process otherwise keeps nothing for.
process.env.PARLEY_PUSH ??= 'true';
// Half of a start is compiling what the last one compiled already.
enableCompileCache(compileCache);
await import('../services/main.ts');
