import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../services/core/clock.ts';
import { loadConfig } from '../../../services/core/config.ts';
import { silentLogger } from '../../../services/core/log.ts';
import { Tokens } from '../../../services/connection/token.ts';
import { type EmbeddedServer, startEmbedded } from '../../../services/embedded-server.ts';
import { optionTables } from '../../../services/options.ts';
import { ownPlace } from '../../helpers/server.ts';

export const secret = 'the secret of this deployment is long enough';

/** The whole server in this process as production has it, and what issues tokens that it takes. */
export class ProductionServer implements AsyncDisposable {
  readonly ports: EmbeddedServer['ports'];
  readonly tokens = new Tokens([secret], systemClock);
  readonly #server: EmbeddedServer;
  readonly #directory: string;

  private constructor(server: EmbeddedServer, directory: string) {
    this.ports = server.ports;
    this.#server = server;
    this.#directory = directory;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<ProductionServer> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-production-'));
    const own = {
      PARLEY_MODE: 'production',
      PARLEY_TOKEN_SECRET: secret,
      ...ownPlace(directory),
    };
    const server = await startEmbedded(loadConfig(optionTables, { ...env, ...own }), silentLogger);
    return new ProductionServer(server, directory);
  }

  async tokenOf(userId: string): Promise<string> {
    return (await this.tokens.issueUser(userId, 3_600)).token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop('test');
    await rm(this.#directory, { recursive: true, force: true });
  }
}
