#!/usr/bin/env node
'use strict';
// parley-ready [SECONDS]: ends with 0 once the process whose environment it shares is ready, with 1 when it is not after so
// many seconds (0 unless given: it asks once). For health checks, where nothing else can ask.

const { readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const host = process.env.PARLEY_METRICS_HOST || '127.0.0.1';
// What listens on all addresses is asked at one of them.
const hostname = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
const port = process.env.PARLEY_METRICS_PORT || '9464';
const certFile = process.env.PARLEY_METRICS_TLS_CERT;
const keyFile = process.env.PARLEY_METRICS_TLS_KEY;
const deadline = Date.now() + Number(process.argv[2] || 0) * 1000;

ask();

function ask() {
  let request;
  try {
    request = asked();
  } catch (error) {
    again(error.message);
    return;
  }
  request.on('response', (response) => {
    response.resume();
    if (response.statusCode !== 200) again(`it answers ${response.statusCode}`);
  });
  request.on('timeout', () => request.destroy(new Error('it does not answer')));
  request.on('error', (error) => again(error.message));
}

function asked() {
  const to = { hostname, port, path: '/readyz', timeout: 2000, agent: false };
  if (!certFile || !keyFile) return http.get(to);
  // The process is asked on its own machine, under no name that its certificate has. Where readers must show one, its own is
  // what there is.
  const [cert, key] = [certFile, keyFile].map((file) => readFileSync(file));
  return https.get({ ...to, cert, key, rejectUnauthorized: false });
}

function again(why) {
  if (Date.now() < deadline) setTimeout(ask, 100);
  else {
    process.stderr.write(`parley-ready: not ready: ${why}\n`);
    process.exitCode = 1;
  }
}
