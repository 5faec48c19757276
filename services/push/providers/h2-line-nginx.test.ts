import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../core/log.ts';
import { testAuthority } from '../testing/h2-service.ts';
import { H2Line } from './h2-line.ts';
import { Nginx } from '../../../test/engines/nginx.ts';
import { until } from '../../../test/e2e/support/until.ts';

const file = (name: string) => fileURLToPath(new URL(`../../grpc/testdata/${name}`, import.meta.url));

it('a line loses nothing on nginx, which says goodbye every few requests', async () => {
  await using nginx = await Nginx.start({
    configure: (port) => `
      server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_certificate "${file('server.pem')}";
        ssl_certificate_key "${file('server.key')}";
        http2_max_concurrent_streams 10;
        keepalive_requests 25;
        location / { return 200 "$connection"; }
      }`,
  });
  const line = new H2Line({
    name: 'nginx',
    origin: `https://127.0.0.1:${nginx.port}`,
    ca: await testAuthority(),
    inFlight: 100,
    mostWaiting: 1_000,
    timeoutMs: 30_000,
    pingIntervalMs: 60_000,
    pingTimeoutMs: 10_000,
    backoff: { firstMs: 20, maxMs: 100 },
    clock: systemClock,
    random: () => 0,
    log: silentLogger,
  });
  const send = () => line.request({ ':path': '/3/device/x' }, Buffer.from('{"aps":{}}'));
  const outcomes = await Promise.all(Array.from({ length: 500 }, send));
  const connections = new Set(
    outcomes.map((outcome) => {
      assert.ok(outcome.t === 'answered' && outcome.status === 200, JSON.stringify(outcome));
      return outcome.body;
    }),
  );
  assert.ok(connections.size >= 20, `${connections.size} connections`);

  await nginx.kill();
  assert.equal((await send()).t, 'failed');
  await nginx.restart();
  await until(
    async () => (await send()).t === 'answered',
    () => 'nginx is back, and the line does not find it',
  );
  line.close();
});
