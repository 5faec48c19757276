import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GatewayOptions, type GatewayPair, writeGateway } from '../../scripts/gateway-files.ts';
import { serverEnvironment } from './child.ts';
import { Engine, engineDirectory, type EngineSpec } from './engine.ts';

const run = promisify(execFile);
const nobody = 65_534;
const pair = { scriptUser: 'nobody', routerNumber: 51 };

/** What a test says of a gateway; the rest is as production has it. */
export type GatewaySettings = Omit<
  GatewayOptions,
  'directory' | 'logs' | 'run' | 'nginxUser' | 'serverName' | 'pair'
> & {
  /** What its programs are run by: a command that becomes them. */
  readonly prefix?: readonly string[];
  /** Where nginx writes its logs. Default: beside its configuration, with which they go. */
  readonly logs?: string;
  /** Who nginx's workers are. Default: root, where root runs it. */
  readonly nginxUser?: string;
  readonly pair?: Omit<GatewayPair, 'scriptUser' | 'routerNumber' | 'stateDirectory'>;
};

/** Where the files of a gateway are: keepalived runs no script that is in a directory which others may write to. */
export class GatewayPlace implements AsyncDisposable {
  readonly directory: string;
  readonly settings: GatewaySettings;

  private constructor(directory: string, settings: GatewaySettings) {
    this.directory = directory;
    this.settings = settings;
  }

  static async make(settings: GatewaySettings): Promise<GatewayPlace> {
    const asRoot = process.getuid?.() === 0;
    const directory = asRoot ? await mkdtemp('/run/parley-gateway-') : await engineDirectory('gateway');
    const place = new GatewayPlace(directory, settings);
    await mkdir(place.state);
    if (asRoot) {
      await chmod(directory, 0o755);
      await chown(place.state, nobody, nobody);
    }
    await writeGateway(place.#options);
    return place;
  }

  get state(): string {
    return join(this.directory, 'state');
  }

  /** Runs a program of this gateway and resolves with what it wrote. */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    const [program, ...rest] = [...(this.settings.prefix ?? []), command, ...args];
    const { stdout, stderr } = await run(program as string, rest, { env: serverEnvironment });
    return stdout + stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  get #options(): GatewayOptions {
    const { pair: own, logs = this.directory, nginxUser, ...settings } = this.settings;
    return {
      ...settings,
      directory: this.directory,
      logs,
      run: this.directory,
      // Its workers could not enter the directory of another user.
      nginxUser: nginxUser ?? (process.getuid?.() === 0 ? 'root' : 'nobody'),
      serverName: '_',
      pair: own && { ...own, ...pair, stateDirectory: this.state },
    };
  }
}

/** The nginx of a gateway, as production has it. From Debian's package nginx. */
export class GatewayNginx extends Engine {
  readonly place: GatewayPlace;

  private constructor(place: GatewayPlace) {
    super(gatewayNginxSpec(place));
    this.place = place;
  }

  static async start(place: GatewayPlace): Promise<GatewayNginx> {
    const nginx = new GatewayNginx(place);
    await nginx.launch();
    return nginx;
  }

  /** SIGHUP: it reads its configuration and its certificates again. */
  reload(): void {
    process.kill(this.pid, 'SIGHUP');
  }

  accessLog(): Promise<string> {
    return readFile(join(this.place.directory, 'access.log'), 'utf8');
  }

  errorLog(): Promise<string> {
    return readFile(join(this.place.directory, 'error.log'), 'utf8');
  }
}

export function gatewayNginxSpec(place: GatewayPlace): EngineSpec {
  const { directory, settings } = place;
  const [command, ...args] = [...(settings.prefix ?? []), 'nginx'];
  return {
    name: 'nginx',
    directory,
    command: command as string,
    // What is said before the configuration is read goes there, too.
    args: [...args, '-e', 'stderr', '-c', join(directory, 'nginx', 'nginx.conf'), '-g', 'daemon off;'],
    orphanSignal: 'TERM',
    ask: async () => void (await place.run('curl', '-sf', `http://127.0.0.1:${settings.checkPort}/gateway`)),
  };
}

/** The keepalived of a gateway. From Debian's package keepalived. */
export class Keepalived extends Engine {
  readonly place: GatewayPlace;

  private constructor(place: GatewayPlace) {
    super(keepalivedSpec(place));
    this.place = place;
  }

  static async start(place: GatewayPlace): Promise<Keepalived> {
    const keepalived = new Keepalived(place);
    await keepalived.launch();
    return keepalived;
  }
}

export function keepalivedSpec(place: GatewayPlace): EngineSpec {
  const { directory, settings } = place;
  const [command, ...args] = [...(settings.prefix ?? []), 'keepalived'];
  const pid = (name: string) => join(directory, `${name}.pid`);
  const state = join(place.state, 'parley_gateway.prom');
  let startedAtMs = 0;
  return {
    name: 'keepalived',
    directory,
    command: command as string,
    args: [
      ...args,
      ...['--dont-fork', '--log-console', '--no-syslog', '--vrrp'],
      ...['--use-file', join(directory, 'keepalived', 'keepalived.conf')],
      ...['--pid', pid('keepalived'), '--vrrp_pid', pid('vrrp')],
    ],
    async configure() {
      startedAtMs = Date.now();
    },
    // It says what it is once it knows.
    ask: async () => {
      const { mtimeMs } = await stat(state);
      if (mtimeMs < startedAtMs - 20) throw new Error('it has said nothing yet');
    },
  };
}
