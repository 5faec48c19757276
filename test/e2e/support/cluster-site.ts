import { gatewayBlock } from '../../../scripts/engine-kinds.ts';
import { Cluster, twoOfEach } from '../../cluster/support/cluster.ts';
import { freePort } from '../../engines/free-port.ts';
import { Nginx } from '../../engines/nginx.ts';
import { parley } from './server-process.ts';
import type { Entrance, FragileSite } from './site.ts';

/**
 * A cluster of separate processes on MariaDB and Redis behind nginx: two message nodes, two group nodes, one edge, and one
 * split into a bridge and a connection node. Its ports stay the same when nodes are started again.
 */
export class ClusterSite implements FragileSite, AsyncDisposable {
  readonly what = 'a cluster';
  readonly front: Entrance;
  readonly victims = Object.keys(twoOfEach);
  readonly #cluster: Cluster;
  readonly #edges: readonly Entrance[];
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    readonly cluster: Cluster;
    readonly front: Entrance;
    readonly stack: AsyncDisposableStack;
  }) {
    this.#cluster = parts.cluster;
    this.front = parts.front;
    this.#stack = parts.stack;
    const ports = (name: string) => parts.cluster.get(name).ports;
    this.#edges = [entrance(ports('e1')), entrance({ ...ports('b2'), grpc: ports('c2').grpc })];
  }

  static async start(): Promise<ClusterSite> {
    await using stack = new AsyncDisposableStack();
    const ports = {
      e1: {
        http: await freePort(),
        ws: await freePort(),
        grpc: await freePort(),
        node: await freePort(),
      },
      c2: { grpc: await freePort(), node: await freePort() },
      b2: { http: await freePort(), ws: await freePort() },
    };
    const upstreams = [ports.c2.node, ports.e1.node].map((port) => `http://127.0.0.1:${port}`);
    const envOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      e1: environment(ports.e1),
      c2: environment(ports.c2),
      b2: { ...environment(ports.b2), PARLEY_UPSTREAM: upstreams.join(',') },
    };
    const cluster = stack.use(
      await Cluster.start({
        roles: twoOfEach,
        env: { PARLEY_LOBBY: 'true' },
        envOf: (name) => envOf[name] ?? {},
      }),
    );
    const grpc = await freePort();
    const local = (port: number) => `127.0.0.1:${port}`;
    const gateway = {
      upstreams: [local(ports.e1.http), local(ports.b2.http)],
      grpc: [local(ports.e1.grpc), local(ports.c2.grpc)],
      development: true,
    };
    const nginx = stack.use(await Nginx.start({ configure: (http) => gatewayBlock(gateway, http, grpc) }));
    const front = entrance({ http: nginx.port, ws: 0, grpc });
    return new ClusterSite({ cluster, front, stack: stack.move() });
  }

  edge(no: number): Entrance {
    return this.#edges[no % this.#edges.length] as Entrance;
  }

  kill(victim: string): Promise<void> {
    return this.#cluster.get(victim).kill();
  }

  start(victim: string): Promise<void> {
    return this.#cluster.get(victim).start();
  }

  async check(): Promise<string> {
    // Those in front first, so that nobody is sent to a node that is gone.
    for (const one of [...this.#cluster.processes.values()].reverse()) {
      await one.drain();
      if (!one.output.includes('"message":"stopped"')) throw new Error(`${one.name}: ${one.output}`);
    }
    return parley(['check'], this.#cluster.env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function environment(ports: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [`PARLEY_${name.toUpperCase()}_PORT`, `${port}`]),
  );
}

const entrance = (ports: Entrance['ports']): Entrance => ({
  pageUrl: `http://127.0.0.1:${ports.http}/`,
  ports,
});
