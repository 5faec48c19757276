import { join } from 'node:path';
import { root } from '../../scripts/paths.ts';
import { Engine, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const askMs = 5_000;

interface Kind {
  readonly command: string;
  readonly args: readonly string[];
}

/** Tells Prometheus of something that does not do so itself. From Debian's packages prometheus-…-exporter. */
export class Exporter extends Engine {
  readonly address: string;

  private constructor(kind: Kind, port: number, directory: string) {
    const address = `127.0.0.1:${port}`;
    super({
      name: kind.command,
      directory,
      command: kind.command,
      args: kind.args.map((arg) => arg.replace('LISTEN', address)),
      async ask() {
        const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(askMs) });
        await response.text();
        if (!response.ok) throw new Error(`it answers ${response.status}`);
      },
    });
    this.address = address;
  }

  /** This machine. */
  static node(): Promise<Exporter> {
    return Exporter.#start({
      command: 'prometheus-node-exporter',
      // Debian's leaves out the loopback, which is all the network that the processes of a test have.
      args: ['--web.listen-address=LISTEN', '--collector.netdev.device-exclude=^-$'],
    });
  }

  /** A database of this machine that root may use without a password. */
  static mysql(port: number): Promise<Exporter> {
    return Exporter.#start({
      // Its file of options insists on a password, which the database does not.
      command: 'env',
      args: [
        `DATA_SOURCE_NAME=root@(127.0.0.1:${port})/`,
        'prometheus-mysqld-exporter',
        '--web.listen-address=LISTEN',
      ],
    });
  }

  static redis(url: string): Promise<Exporter> {
    return Exporter.#start({
      command: 'prometheus-redis-exporter',
      args: ['-web.listen-address=LISTEN', `-redis.addr=${url}`],
    });
  }

  /** `statusUrl`: where nginx has its `stub_status`. */
  static nginx(statusUrl: string): Promise<Exporter> {
    return Exporter.#start({
      command: 'prometheus-nginx-exporter',
      args: ['-web.listen-address=LISTEN', `-nginx.scrape-uri=${statusUrl}`],
    });
  }

  /** Asks from outside, as deploy/prometheus/blackbox.yml says. */
  static blackbox(): Promise<Exporter> {
    return Exporter.#start({
      command: 'prometheus-blackbox-exporter',
      args: [
        '--web.listen-address=LISTEN',
        `--config.file=${join(root, 'deploy', 'prometheus', 'blackbox.yml')}`,
      ],
    });
  }

  static async #start(kind: Kind): Promise<Exporter> {
    const exporter = new Exporter(kind, await freePort(), await engineDirectory('exporter'));
    await exporter.launch();
    return exporter;
  }
}
