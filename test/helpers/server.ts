import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../services/core/config.ts';
import { silentLogger } from '../../services/core/log.ts';
import { type EmbeddedServer, startEmbedded } from '../../services/embedded-server.ts';
import { optionTables } from '../../services/options.ts';

/** The whole server in this process, in development mode, on free ports, on a data directory of its own. */
export class TestServer implements AsyncDisposable {
  readonly directory: string;
  readonly #env: Record<string, string>;
  #server: EmbeddedServer;

  private constructor(directory: string, env: Record<string, string>, server: EmbeddedServer) {
    this.directory = directory;
    this.#env = env;
    this.#server = server;
  }

  /** `env` may set any option besides ports, mode and directory. */
  static async start(env: Record<string, string> = {}): Promise<TestServer> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-server-'));
    return new TestServer(directory, env, await start(directory, env));
  }

  get ports(): EmbeddedServer['ports'] {
    return this.#server.ports;
  }

  /** Stops, and starts again on the same data; the ports are other ones. */
  async restart(): Promise<void> {
    await this.#server.stop('test');
    this.#server = await start(this.directory, this.#env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop('test');
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Free ports, and a data directory of one's own. */
export function ownPlace(directory: string): Record<string, string> {
  return {
    PARLEY_DATA_DIR: directory,
    PARLEY_HTTP_PORT: '0',
    PARLEY_WS_PORT: '0',
    PARLEY_GRPC_PORT: '0',
    PARLEY_METRICS_PORT: '0',
  };
}

function start(directory: string, env: Record<string, string>): Promise<EmbeddedServer> {
  const own = { PARLEY_MODE: 'development', ...ownPlace(directory) };
  return startEmbedded(loadConfig(optionTables, { ...env, ...own }), silentLogger);
}
