import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../test/engines/child.ts';
import { freePort } from '../../test/engines/free-port.ts';
import type { Target } from './target.ts';

const main = fileURLToPath(new URL('../../services/main.ts', import.meta.url));

export interface ParleyPorts {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
  readonly metrics: number;
}

export interface ParleyOptions {
  readonly dataDir: string;
  /** The same ports as before, for a restart that clients find. */
  readonly ports?: ParleyPorts;
  readonly env?: Readonly<Record<string, string>>;
  /** For node itself: profiling. */
  readonly nodeArgs?: readonly string[];
  /** Descriptors that the server gets from 3 on. */
  readonly extraFds?: readonly number[];
  readonly readyWithinMs?: number;
}

export async function freePorts(): Promise<ParleyPorts> {
  const [http, ws, grpc, metrics] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  return { http, ws, grpc, metrics };
}

/** A call that was refused. */
export class CallError extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.name = 'CallError';
    this.status = status;
  }
}

/** A Parley server in a process of its own, in development mode. */
export class ParleyServer implements AsyncDisposable {
  readonly ports: ParleyPorts;
  readonly child: Child;

  private constructor(ports: ParleyPorts, child: Child) {
    this.ports = ports;
    this.child = child;
  }

  static async start(o: ParleyOptions): Promise<ParleyServer> {
    const ports = o.ports ?? (await freePorts());
    const child = await Child.start({
      command: process.execPath,
      args: [...(o.nodeArgs ?? []), main, 'start'],
      extraFds: o.extraFds,
      env: {
        PARLEY_MODE: 'development',
        PARLEY_DATA_DIR: o.dataDir,
        PARLEY_HTTP_PORT: `${ports.http}`,
        PARLEY_WS_PORT: `${ports.ws}`,
        PARLEY_GRPC_PORT: `${ports.grpc}`,
        PARLEY_METRICS_PORT: `${ports.metrics}`,
        // One group with every user of a load in it would be a load of its own.
        PARLEY_LOBBY: 'false',
        PARLEY_LOG_FORMAT: 'json',
        ...o.env,
      },
      readyWhen: /"message":"ready"/,
      readyWithinMs: o.readyWithinMs,
    });
    return new ParleyServer(ports, child);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** A unary call by Connect's JSON, as a user. */
  async call<T>(rpc: string, request: unknown, user: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.ports.http}/parley.chat.v1.${rpc}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'parley-user': user },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    if (!response.ok) throw new CallError(`${rpc}: ${response.status} ${text}`, response.status);
    return JSON.parse(text) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

/** A data directory that goes when it is disposed of. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const directory = await mkdtemp(path.join(tmpdir(), 'parley-bench-'));
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Parley on a new data directory, as a target of a load. */
export async function startParley(
  door: 'ws' | 'grpc',
  o: Pick<ParleyOptions, 'env' | 'nodeArgs'> = {},
): Promise<Target & { readonly server: ParleyServer }> {
  const directory = await temporaryDirectory();
  const server = await ParleyServer.start({ dataDir: path.join(directory.path, 'data'), ...o });
  return {
    name: door === 'ws' ? 'Parley' : 'Parley by gRPC',
    dialect: `parley-${door}`,
    ports: [door === 'ws' ? server.ports.ws : server.ports.grpc],
    pids: [server.pid],
    server,
    async [Symbol.asyncDispose]() {
      // SIGTERM lets a profiled server write its profile.
      await server.child.stop('SIGTERM');
      await directory[Symbol.asyncDispose]();
    },
  };
}
