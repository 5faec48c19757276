import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaSpec } from '../test/engines/kafka-broker.ts';
import { askSql, mariaDbSpec } from '../test/engines/mariadb.ts';
import { nginxSpec } from '../test/engines/nginx.ts';
import { redisSpec } from '../test/engines/redis-server.ts';
import { root } from './paths.ts';
import type { StandingEngineOptions } from './standing-engine.ts';

export type EngineKind = Omit<StandingEngineOptions, 'name' | 'directory'>;

const schema = 'parley';

/** The engines that hold what nodes share. */
export const storageKinds = {
  mariadb: {
    ports: 1,
    spec: ({ directory, ports: [port] }) => mariaDbSpec({ directory, port: port! }),
    url: (port) => `mysql://root@127.0.0.1:${port}/${schema}`,
    async furnish(port) {
      await askSql(port, `CREATE DATABASE IF NOT EXISTS ${schema}`);
    },
  },
  redis: {
    ports: 1,
    spec: ({ directory, ports: [port] }) => redisSpec({ directory, port: port! }),
    url: (port) => `redis://127.0.0.1:${port}`,
  },
  kafka: {
    ports: 2,
    spec: ({ directory, ports: [port, controllerPort] }) =>
      kafkaSpec({ directory, port: port!, controllerPort: controllerPort! }),
    url: (port) => `127.0.0.1:${port}`,
  },
} satisfies Record<string, EngineKind>;

export interface Gateway {
  /** Where edges take HTTP, each as HOST:PORT. */
  readonly upstreams: readonly string[];
  /** Where edges take gRPC; it has a port of its own then. */
  readonly grpc?: readonly string[];
  /** Nodes in development mode take nothing that comes from elsewhere: nginx says nothing of where it comes from. */
  readonly development?: boolean;
}

/** nginx in front of nodes. */
export function gatewayKind(gateway: Gateway): EngineKind {
  return {
    ports: (gateway.grpc ?? []).length > 0 ? 2 : 1,
    spec: ({ directory, ports: [port, grpcPort] }) =>
      nginxSpec({ directory, port: port!, configure: () => gatewayBlock(gateway, port!, grpcPort) }),
    url: (port) => `http://127.0.0.1:${port}`,
  };
}

/** What stands in nginx's block `http { … }`. */
export function gatewayBlock(
  { upstreams, grpc = [], development = false }: Gateway,
  port: number,
  grpcPort?: number,
): string {
  const http = filled('parley.conf.template', { LISTEN: port, UPSTREAMS: upstreams });
  const names = { GRPC_LISTEN: grpcPort, GRPC_UPSTREAMS: grpc };
  const whole = grpcPort === undefined ? http : `${http}\n${filled('parley-grpc.conf.template', names)}`;
  return development ? whole.replaceAll(/^.*X-Forwarded.*$/gm, '') : whole;
}

/** A template of nginx's with ports of this machine, and servers, put in. */
function filled(
  template: string,
  values: Readonly<Record<string, number | undefined | readonly string[]>>,
): string {
  let text = readFileSync(join(root, 'deploy', 'nginx', template), 'utf8');
  for (const [name, value] of Object.entries(values)) {
    const put =
      typeof value === 'object'
        ? value.map((address) => `server ${address} max_fails=0;`).join(' ')
        : `127.0.0.1:${value}`;
    text = text.replaceAll(`\${${name}}`, put);
  }
  return text;
}
