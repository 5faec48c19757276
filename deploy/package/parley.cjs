#!/usr/bin/env node
'use strict';
// `parley` of the package. Nothing newer than Node 8 down to the import: it must run on the Node that it refuses.

const oldest = 24;

if (Number(process.versions.node.split('.')[0]) < oldest) {
  const remedy = `to bring one along: npx -p node@${oldest} parley start`;
  process.stderr.write(`parley: needs Node ${oldest} or later, and this is ${process.version}; ${remedy}\n`);
  process.exitCode = 1;
} else {
  start();
}

function start() {
  const path = require('node:path');
  const root = path.join(__dirname, '..');
  const env = process.env;
  // Where nothing at all is configured somebody tries it, on this machine alone. Production can't be started so: it wants
  // a secret, at least.
  const configured = Object.keys(env).some((name) => name.startsWith('PARLEY_') && env[name] !== '');
  if (!configured) env.PARLEY_MODE = 'development';
  if (!env.PARLEY_WEB_DIR) env.PARLEY_WEB_DIR = path.join(root, 'dist', 'web');
  // Half of a start is compiling what the last one compiled already. Who may write there could change the program, too.
  require('node:module').enableCompileCache(path.join(root, '.compile-cache'));
  import('../services/main.js').catch((error) => {
    process.stderr.write(`${(error && error.stack) || error}\n`);
    process.exitCode = 1;
  });
}
