import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayPlace, gatewayNginxSpec, keepalivedSpec } from '../../test/engines/gateway.ts';
import { answers, commandIn } from './commands.ts';
import { setGatewayKernel } from './gateway-kernel.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const checkPort = 9510;
const edges = ['e1', 'e2'] as const;

/** One of the two gateways: nginx and keepalived with what scripts/gateway-files.ts writes, and who tells Prometheus. */
export class Gateway implements AsyncDisposable {
  readonly nginx: Program;
  /** After nginx, which it asks. */
  readonly others: readonly Program[];
  readonly #files: GatewayPlace;

  private constructor(nginx: Program, others: readonly Program[], files: GatewayPlace) {
    this.nginx = nginx;
    this.others = others;
    this.#files = files;
  }

  static async make(place: Place, name: 'gateway-1' | 'gateway-2'): Promise<Gateway> {
    const machine = place.machines.get(name);
    const peer = place.machines.get(name === 'gateway-1' ? 'gateway-2' : 'gateway-1');
    const logs = place.log(name);
    await mkdir(logs, { recursive: true });
    await setGatewayKernel(machine.command);
    const files = await GatewayPlace.make({
      prefix: machine.command,
      logs,
      nginxUser: 'www-data',
      http: edges.map((edge) => `${edge}:9501`),
      grpc: edges.map((edge) => `${edge}:9503`),
      certificate: join(place.secrets, 'tls-cert.pem'),
      key: join(place.secrets, 'tls-key.pem'),
      listen: ['443'],
      listenPlain: ['80'],
      checkPort,
      proxyProtocolFrom: [],
      // As deploy/production/compose.yaml has it.
      connectionsPerAddress: 2_000,
      requestsPerSecond: 200,
      requestBurst: 2_000,
      pair: {
        device: machine.device,
        own: machine.address,
        peer: peer.address,
        floating: `${place.machines.floating}/24`,
      },
    });
    const nginxExporter = place.program(`${name}-exporter`, {
      name: 'nginx exporter',
      directory: join(place.directory, name),
      ...commandIn(
        machine,
        'prometheus-nginx-exporter',
        '-web.listen-address=:9113',
        `-nginx.scrape-uri=http://127.0.0.1:${checkPort}/status`,
      ),
      ask: () => answers(`http://${machine.address}:9113/metrics`),
    });
    // Of the machine, and of whether it has the address.
    const nodeExporter = place.program(`${name}-node-exporter`, {
      name: 'node exporter',
      directory: join(place.directory, name),
      ...commandIn(
        machine,
        'prometheus-node-exporter',
        '--web.listen-address=:9100',
        `--collector.textfile.directory=${files.state}`,
      ),
      ask: () => answers(`http://${machine.address}:9100/metrics`),
    });
    return new Gateway(
      place.program(`${name}-nginx`, gatewayNginxSpec(files)),
      [place.program(`${name}-keepalived`, keepalivedSpec(files)), nginxExporter, nodeExporter],
      files,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }
}
