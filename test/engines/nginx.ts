import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const askMs = 2_000;

export interface NginxOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** What stands in the block `http { … }`, with a server that listens on this port. */
  readonly configure: (port: number) => string;
}

type Placed = NginxOptions & { directory: string; port: number };

/** An nginx that keeps everything in its directory and needs no rights. */
function configuration(o: Placed): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    'daemon off;',
    // Its workers could not enter the directory of another user.
    ...(process.getuid?.() === 0 ? ['user root root;'] : []),
    'worker_processes 1;',
    `pid "${join(o.directory, 'nginx.pid')}";`,
    'error_log stderr warn;',
    'events { worker_connections 4096; }',
    'http {',
    'access_log off;',
    ...temporary.map((name) => `${name}_temp_path "${join(o.directory, 'temporary', name)}";`),
    o.configure(o.port),
    '}',
    '',
  ].join('\n');
}

export function nginxSpec(o: Placed): EngineSpec {
  const file = join(o.directory, 'nginx.conf');
  return {
    name: 'nginx',
    directory: o.directory,
    command: 'nginx',
    // What is said before the configuration is read goes there, too.
    args: ['-p', o.directory, '-e', 'stderr', '-c', file],
    // Workers of a master that was killed would go on.
    orphanSignal: 'TERM',
    async configure() {
      await mkdir(join(o.directory, 'temporary'), { recursive: true });
      await writeFile(file, configuration(o));
    },
    ask: () => anyAnswer(o.port),
  };
}

/** Resolves when an HTTP answer comes, whatever it says: a refusal, too, is an answer of nginx. */
function anyAnswer(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false, timeout: askMs }, (response) => {
      response.destroy();
      resolve();
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

/** A private nginx. From Debian's package nginx. */
export class Nginx extends Engine {
  readonly port: number;

  private constructor(o: Placed) {
    super(nginxSpec(o));
    this.port = o.port;
  }

  /** Rejects with nginx's own words when it does not take the configuration. */
  static async start(o: NginxOptions): Promise<Nginx> {
    const port = o.port ?? (await freePort());
    const nginx = new Nginx({ ...o, port, directory: await engineDirectory('nginx') });
    await nginx.launch();
    return nginx;
  }
}
