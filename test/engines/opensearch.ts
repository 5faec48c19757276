import { join } from 'node:path';
import { openSearchJars } from '../../scripts/opensearch-jars.ts';
import { Engine, type EngineSpec, engineDirectory } from './engine.ts';
import { freePort } from './free-port.ts';

const source = join(import.meta.dirname, 'SearchNode.java');
const askMs = 20_000;

export interface OpenSearchOptions {
  readonly directory: string;
  readonly port: number;
  readonly transportPort: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** What runs it: a command that becomes it. */
  readonly prefix?: readonly string[];
}

/** A search engine by its address. */
interface SearchAddress {
  readonly host?: string;
  readonly port: number;
}

/** A small node that is a cluster by itself, for this machine only. */
const java = [
  '-Xms256m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  // It looks for its logging's settings in vain, and says so.
  '-Dlog4j2.statusLoggerLevel=off',
  '-Dlog4j2.level=warn',
];

function settings(o: OpenSearchOptions): string[] {
  return [
    `path.home=${o.directory}`,
    `path.data=${join(o.directory, 'data')}`,
    `path.logs=${join(o.directory, 'logs')}`,
    'cluster.name=parley',
    'node.name=search',
    'discovery.type=single-node',
    `network.host=${o.host ?? '127.0.0.1'}`,
    `http.port=${o.port}`,
    `transport.port=${o.transportPort}`,
    'http.type=netty4',
    'transport.type=netty4',
    // A full disk is none of its tests.
    'cluster.routing.allocation.disk.threshold_enabled=false',
  ];
}

export function openSearchSpec(o: OpenSearchOptions): EngineSpec {
  const [command, ...args] = [...(o.prefix ?? []), 'java'];
  return {
    name: 'opensearch',
    directory: o.directory,
    command: command as string,
    args: [...args, ...java, '-cp', join(openSearchJars.directory, '*'), source, ...settings(o)],
    configure() {
      if (openSearchJars.there) return Promise.resolve();
      throw new Error(
        `OpenSearch is not in ${openSearchJars.directory}: "npx node scripts/setup.ts long" fetches it`,
      );
    },
    async ask() {
      await askOpenSearch(o, 'GET', '/_cluster/health?wait_for_status=yellow&timeout=10s');
    },
    readyWithinMs: 120_000,
  };
}

/** One question; rejects with what it says where that is an error. A text is sent as lines of JSON. */
export async function askOpenSearch(
  { host = '127.0.0.1', port }: SearchAddress,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(`http://${host}:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(askMs),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** A private OpenSearch. From its own jars, which `scripts/setup.ts long` fetches; needs a JDK of Java 17 or later. */
export class OpenSearch extends Engine {
  readonly port: number;

  private constructor(o: OpenSearchOptions) {
    super(openSearchSpec(o));
    this.port = o.port;
  }

  static async start(): Promise<OpenSearch> {
    const directory = await engineDirectory('opensearch');
    const engine = new OpenSearch({ directory, port: await freePort(), transportPort: await freePort() });
    await engine.launch();
    return engine;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Answers with what it says; rejects where that is an error. */
  ask<T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> {
    return askOpenSearch(this, method, path, body) as Promise<T>;
  }
}
