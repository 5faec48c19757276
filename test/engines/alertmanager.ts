import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../scripts/paths.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const deployed = join(root, 'deploy', 'alertmanager', 'alertmanager.yml');
const askMs = 5_000;

interface Placed {
  /** Where its receivers are: `/page`, `/ticket` and `/heartbeat` there. */
  readonly receiver: string;
  readonly directory: string;
  readonly port: number;
}

function alertmanagerSpec(o: Placed): EngineSpec {
  const file = join(o.directory, 'alertmanager.yml');
  return {
    name: 'alertmanager',
    directory: o.directory,
    command: 'prometheus-alertmanager',
    args: [
      `--config.file=${file}`,
      `--storage.path=${join(o.directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${o.port}`,
      // It is alone.
      '--cluster.listen-address=',
      '--log.level=warn',
    ],
    async configure() {
      const text = await readFile(deployed, 'utf8');
      const edited = text
        .replaceAll(/http:\/\/127\.0\.0\.1:9095/g, o.receiver)
        // People are spared by waiting; a test is not.
        .replaceAll(/(group_wait: )\d+s/g, '$11s')
        .replaceAll(/(group_interval: )\d+m/g, '$11s');
      await writeFile(file, edited);
    },
    async ask() {
      const response = await fetch(`http://127.0.0.1:${o.port}/-/ready`, {
        signal: AbortSignal.timeout(askMs),
      });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

/** A private Alertmanager with the routes of deploy/alertmanager. From Debian's package prometheus-alertmanager. */
export class Alertmanager extends Engine {
  readonly port: number;

  private constructor(o: Placed) {
    super(alertmanagerSpec(o));
    this.port = o.port;
  }

  /** `receiver`: the URL that its notices go to, each kind under a path of its own. */
  static async start({ receiver }: { readonly receiver: string }): Promise<Alertmanager> {
    const directory = await engineDirectory('alertmanager');
    const alertmanager = new Alertmanager({ receiver, directory, port: await freePort() });
    await alertmanager.launch();
    return alertmanager;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }
}
