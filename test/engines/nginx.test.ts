import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Nginx } from './nginx.ts';

describe('nginx', () => {
  it('does what its configuration says, also after kill and restart', async () => {
    const server = createServer((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => response.end(`${request.headers.host} ${bytes}`));
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const behind = (server.address() as AddressInfo).port;
      await using nginx = await Nginx.start({
        configure: (port) => `server {
          listen 127.0.0.1:${port};
          location / { proxy_pass http://127.0.0.1:${behind}; proxy_set_header Host proxied; }
        }`,
      });
      // Large enough for a file in a directory that nginx makes for itself.
      const ask = async () => {
        const response = await fetch(`http://127.0.0.1:${nginx.port}/`, {
          method: 'POST',
          body: 'x'.repeat(500_000),
        });
        return response.text();
      };
      assert.equal(await ask(), 'proxied 500000');
      await nginx.kill();
      await assert.rejects(ask());
      await nginx.restart();
      assert.equal(await ask(), 'proxied 500000');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('says in its own words what it does not take', async () => {
    await assert.rejects(Nginx.start({ configure: () => 'no_such_directive on;' }), {
      message: /unknown directive "no_such_directive"/,
    });
  });
});
