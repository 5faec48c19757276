import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../scripts/paths.ts';
import { Engine, engineDirectory } from '../engines/engine.ts';
import { freePort } from '../engines/free-port.ts';
import { Authority } from '../helpers/certificates.ts';
import { yamlOf } from './support/rule-files.ts';

/** The blackbox exporter, as Compose starts it: who believes the gateway's own certificate, whoever signed it. */
class Probe extends Engine {
  readonly #url: string;

  private constructor(directory: string, port: number, certificate: string) {
    const url = `http://127.0.0.1:${port}`;
    const config = join(root, 'deploy', 'prometheus', 'blackbox.yml');
    super({
      name: 'blackbox exporter',
      directory,
      command: 'env',
      args: [
        ...[`SSL_CERT_FILE=${certificate}`, 'prometheus-blackbox-exporter'],
        ...[`--web.listen-address=127.0.0.1:${port}`, `--config.file=${config}`],
      ],
      ask: async () => void (await (await fetch(`${url}/metrics`)).text()),
    });
    this.#url = url;
  }

  static async start(certificate: string): Promise<Probe> {
    const probe = new Probe(await engineDirectory('probe'), await freePort(), certificate);
    await probe.launch();
    return probe;
  }

  /** Whether what is asked so answers, and well. */
  async succeeds(params: Readonly<Record<string, string>>): Promise<boolean> {
    const response = await fetch(`${this.#url}/probe?${new URLSearchParams(params).toString()}`);
    return /^probe_success 1$/m.test(await response.text());
  }
}

test('a gateway whose certificate is for its name, and not for the address, is well to the probe of production', async () => {
  const [target] = yamlOf('deploy', 'production', 'targets', 'probe.yml') as {
    readonly labels: Readonly<Record<string, string>>;
  }[];
  const deployed = Object.fromEntries(
    Object.entries(target?.labels ?? {}).map(([name, value]) => [name.replace('__param_', ''), value]),
  );
  await using authority = await Authority.make();
  const { cert, key } = await authority.tls('gateway', { names: `DNS:${deployed['hostname']}` });
  const seen: (string | undefined)[] = [];
  const gateway = createServer({ cert, key }, ({ headers }, response) => {
    seen.push(headers.host);
    response.end();
  }).listen(0, '127.0.0.1');
  try {
    await once(gateway, 'listening');
    await using probe = await Probe.start(authority.files('gateway').cert);
    const { port } = gateway.address() as AddressInfo;
    const asked = { ...deployed, target: `https://127.0.0.1:${port}/` };
    assert.equal(await probe.succeeds(asked), true);
    assert.deepEqual(seen, [deployed['hostname']]);
    assert.equal(await probe.succeeds({ ...asked, hostname: 'other.example.org' }), false);
  } finally {
    gateway.close();
  }
});
