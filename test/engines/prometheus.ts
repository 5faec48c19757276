import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../scripts/paths.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';
import { type Labels, PrometheusClient, type Sample } from './prometheus-client.ts';

const deployed = join(root, 'deploy', 'prometheus');
const askMs = 5_000;

/** As the files of targets have it. */
export interface Target {
  readonly targets: readonly string[];
  readonly labels?: Labels;
}

export interface PrometheusOptions {
  /** Of deploy/prometheus. Default: prometheus.yml. */
  readonly configuration?: string;
  /** Told of the configuration before it is used. */
  readonly edit?: (configuration: string) => string;
  /** What stands in targets/NAME.yml; those that are not named have nobody. */
  readonly targets: Readonly<Record<string, readonly Target[]>>;
  /** How often targets are asked and rules evaluated. Default: 1. */
  readonly everySeconds?: number;
}

type Placed = PrometheusOptions & { readonly directory: string; readonly port: number };

async function layOut(o: Placed): Promise<void> {
  const { configuration = 'prometheus.yml', edit = (text) => text, everySeconds = 1 } = o;
  await cp(join(deployed, 'rules'), join(o.directory, 'rules'), { recursive: true });
  await mkdir(join(o.directory, 'targets'), { recursive: true });
  // JSON is YAML.
  for (const [name, targets] of Object.entries({
    prometheus: [{ targets: [`127.0.0.1:${o.port}`] }],
    ...o.targets,
  }))
    await writeFile(join(o.directory, 'targets', `${name}.yml`), JSON.stringify(targets));
  const text = (await readFile(join(deployed, configuration), 'utf8')).replaceAll(
    /^( +(?:scrape|evaluation)_interval: )\d+s$/gm,
    `$1${everySeconds}s`,
  );
  await writeFile(join(o.directory, 'prometheus.yml'), edit(text));
}

function prometheusSpec(o: Placed): EngineSpec {
  return {
    name: 'prometheus',
    directory: o.directory,
    command: 'prometheus',
    args: [
      `--config.file=${join(o.directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(o.directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${o.port}`,
      '--log.level=warn',
    ],
    prepare: () => layOut(o),
    async ask() {
      const response = await fetch(`http://127.0.0.1:${o.port}/-/ready`, {
        signal: AbortSignal.timeout(askMs),
      });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}

/** A private Prometheus with the configuration and rules of deploy/prometheus. From Debian's package prometheus. */
export class Prometheus extends Engine {
  readonly port: number;
  readonly client: PrometheusClient;
  readonly #directory: string;

  private constructor(o: Placed) {
    super(prometheusSpec(o));
    this.port = o.port;
    this.client = new PrometheusClient(this.url);
    this.#directory = o.directory;
  }

  static async start(o: PrometheusOptions): Promise<Prometheus> {
    const prometheus = new Prometheus({
      ...o,
      port: await freePort(),
      directory: await engineDirectory('prometheus'),
    });
    await prometheus.launch();
    return prometheus;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What an expression comes to at a moment, in seconds since 1970. Default: now. */
  query(expr: string, at?: number): Promise<Sample[]> {
    return this.client.query(expr, at);
  }

  /** Has somebody more asked, who then is there at the next look at the file of targets. */
  async target(name: string, target: Target): Promise<void> {
    const file = join(this.#directory, 'targets', `${name}.yml`);
    const before = JSON.parse(await readFile(file, 'utf8')) as Target[];
    await writeFile(`${file}.new`, JSON.stringify([...before, target]));
    await rename(`${file}.new`, file);
  }

  /** The labels of all that it asks, answered or not. */
  asks(): Promise<Labels[]> {
    return this.client.asks();
  }
}
