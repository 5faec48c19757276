/** The command line in development mode, unless PARLEY_MODE says otherwise. */
process.env.PARLEY_MODE ??= 'development';
await import('../services/main.ts');
