import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.ts';
import { silentLogger } from '../../services/core/log.ts';
import { Meters } from '../../services/core/meters.ts';
import { Readiness } from '../../services/core/readiness.ts';
import { Telemetry, type TelemetryParts } from '../../services/core/telemetry.ts';
import { Authority, steady } from '../helpers/certificates.ts';

const run = promisify(execFile);

/** A metrics port, and what `parley-ready` says of it with these variables besides its port. */
async function served(tls?: TelemetryParts['tls']) {
  const readiness = new Readiness();
  const telemetry = new Telemetry({
    config: { host: '127.0.0.1', port: 0 },
    traces: { ratio: 0, endpoint: '', protocol: 'http' },
    node: { id: 'n', roles: [] },
    meters: new Meters(),
    readiness,
    tls,
    log: silentLogger,
  });
  await telemetry.start();
  return {
    readiness,
    said: async (env: Readonly<Record<string, string>> = {}) => {
      const variables = { PARLEY_METRICS_PORT: String(telemetry.address.port), ...env };
      const program = join(root, 'deploy', 'package', 'ready.cjs');
      return run(process.execPath, [program], { env: variables }).then(
        () => 'ready',
        ({ code, stderr }: { code: number; stderr: string }) => `${code} ${stderr.trim()}`,
      );
    },
    [Symbol.asyncDispose]: () => telemetry.stop(),
  };
}

describe('parley-ready', () => {
  it('says whether the process is ready', async () => {
    await using port = await served();
    assert.equal(await port.said(), '1 parley-ready: not ready: it answers 503');
    port.readiness.ready();
    assert.equal(await port.said(), 'ready');
  });

  it('asks by TLS where the metrics port has it, also one that wants to see a certificate', async () => {
    await using authority = await Authority.make();
    const own = await authority.tls('metrics');
    const { cert, key } = authority.files('metrics');
    const env = { PARLEY_METRICS_TLS_CERT: cert, PARLEY_METRICS_TLS_KEY: key };
    for (const ca of [undefined, own.ca]) {
      await using port = await served(steady({ ...own, ca }));
      assert.equal(await port.said(env), '1 parley-ready: not ready: it answers 503');
      port.readiness.ready();
      assert.equal(await port.said(env), 'ready');
      assert.match(await port.said({ ...env, PARLEY_METRICS_TLS_CERT: '/nothing' }), /^1 .*ENOENT/);
    }
  });
});
