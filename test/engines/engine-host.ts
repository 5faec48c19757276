import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Engine } from './engine.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { MariaDb } from './mariadb.ts';
import { RedisServer } from './redis-server.ts';

const starts = {
  mariadb: () => MariaDb.start(),
  redis: () => RedisServer.start(),
  kafka: () => KafkaBroker.start(),
} satisfies Record<string, () => Promise<Engine & { readonly port: number }>>;

/** The engines that test files share. */
export type SharedEngine = keyof typeof starts;

/** At most one engine of each kind, started when somebody first asks for it. */
export class EngineHost implements AsyncDisposable {
  readonly #engines = new Map<SharedEngine, Promise<Engine & { readonly port: number }>>();
  #server: Server | undefined;

  /** Its port; the engine serves when this resolves. A start that failed is tried again at the next call. */
  async port(name: SharedEngine): Promise<number> {
    return (await this.#engine(name)).port;
  }

  /** It does not keep this process from ending, which then ends the engine. */
  async unref(name: SharedEngine): Promise<void> {
    (await this.#engine(name)).unref();
  }

  /** Serves other processes of this machine: `GET /mariadb` answers with its port. Returns the URL. */
  async listen(): Promise<string> {
    this.#server = createServer((request, response) => {
      const name = request.url?.slice(1) ?? '';
      const port = isShared(name)
        ? this.port(name)
        : Promise.reject(new Error(`there is no engine "${name}"`));
      port.then(
        (found) => response.end(`${found}`),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
    const started = await Promise.allSettled(this.#engines.values());
    for (const each of started) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
  }

  #engine(name: SharedEngine): Promise<Engine & { readonly port: number }> {
    let engine = this.#engines.get(name);
    if (engine === undefined) {
      engine = starts[name]();
      this.#engines.set(name, engine);
      engine.catch(() => this.#engines.delete(name));
    }
    return engine;
  }
}

function isShared(name: string): name is SharedEngine {
  return Object.hasOwn(starts, name);
}
