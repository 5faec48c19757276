import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root } from './paths.ts';

/** Two gateways with a floating address, seen from one of them. */
export interface GatewayPair {
  /** The network device that the floating address is on. */
  readonly device: string;
  /** This gateway's own address, and the other one's. */
  readonly own: string;
  readonly peer: string;
  /** With the length of its network: `192.0.2.10/24`. */
  readonly floating: string;
  /** 1 to 255; the same on both, and nobody else's in this network. */
  readonly routerNumber: number;
  /** Who runs the scripts. */
  readonly scriptUser: string;
  /** Where the state is left for the node exporter; the script user may write there. */
  readonly stateDirectory: string;
}

export interface GatewayOptions {
  /** Where the files will be: the scripts are named by it. Absolute. */
  readonly directory: string;
  /** The HTTP ports of bridges, and the gRPC ports of connection nodes, each as HOST:PORT. */
  readonly http: readonly string[];
  readonly grpc: readonly string[];
  /** PEM files of the certificate chain and its key. */
  readonly certificate: string;
  readonly key: string;
  /** Default: any. */
  readonly serverName: string;
  /** PORT or ADDRESS:PORT, for TLS and for those who come without. */
  readonly listen: readonly string[];
  readonly listenPlain: readonly string[];
  readonly checkPort: number;
  /** Networks of load balancers in front that speak the PROXY protocol; none: clients come directly. */
  readonly proxyProtocolFrom: readonly string[];
  /** PEM file of the authority of the nodes' certificates; undefined: nodes are reached without TLS. */
  readonly upstreamAuthority?: string | undefined;
  readonly connectionsPerAddress: number;
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  /** Who nginx's workers are. */
  readonly nginxUser: string;
  /** Where nginx writes its logs and the number of its process. Absolute. */
  readonly logs: string;
  readonly run: string;
  /** Undefined: one gateway alone, without keepalived. */
  readonly pair?: GatewayPair | undefined;
}

/** What may stand in a configuration as it is: no blanks, quotes, brackets or ends of lines but those of an address. */
const plain = /^[A-Za-z0-9_.:/[\]*@-]+$/;

/** The name that nodes' certificates are for: nodes are found by address, and their authority signs nodes alone. */
const nodeName = 'node';

/** The files of a gateway, by their paths inside its directory. Throws an Error that names an option of no use. */
export function gatewayFiles(options: GatewayOptions): Map<string, string> {
  const nginx = nginxValues(options);
  const files = new Map([
    ['nginx/nginx.conf', filled('nginx/nginx.conf.in', nginx)],
    ['nginx/gateway.conf', filled('nginx/gateway.conf.in', nginx)],
  ]);
  if (options.pair !== undefined) {
    const values = keepalivedValues(options, options.pair);
    files.set('keepalived/keepalived.conf', filled('keepalived/keepalived.conf.in', values));
    for (const script of scripts) files.set(`keepalived/${script}`, read(`keepalived/${script}`));
  }
  return files;
}

/** Writes the files of a gateway to where they will be read, and gives their paths. Rejects as `gatewayFiles` throws. */
export async function writeGateway(options: GatewayOptions): Promise<string[]> {
  const written: string[] = [];
  for (const [name, content] of gatewayFiles(options)) {
    const file = join(options.directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, scripts.some((script) => name.endsWith(`/${script}`)) ? 0o755 : 0o644);
    written.push(file);
  }
  return written;
}

/** Files that are to be executable. */
const scripts = ['check', 'notify'] as const;

type Values = Readonly<Record<string, string>>;

function nginxValues(o: GatewayOptions): Values {
  const secured = o.upstreamAuthority !== undefined;
  const behind = o.proxyProtocolFrom.length > 0;
  const listen = (address: string, words: string) =>
    `listen ${safe(address)}${words}${behind ? ' proxy_protocol' : ''};`;
  return {
    NGINX_USER: safe(o.nginxUser),
    PID_FILE: safe(join(o.run, 'parley-nginx.pid')),
    ERROR_LOG: safe(join(o.logs, 'error.log')),
    ACCESS_LOG: safe(join(o.logs, 'access.log')),
    HTTP_UPSTREAMS: servers('http', o.http),
    GRPC_UPSTREAMS: servers('grpc', o.grpc),
    HTTP_SCHEME: secured ? 'https' : 'http',
    GRPC_SCHEME: secured ? 'grpcs' : 'grpc',
    HTTP_UPSTREAM_TLS: upstreamTls('proxy', o.upstreamAuthority),
    GRPC_UPSTREAM_TLS: upstreamTls('grpc', o.upstreamAuthority),
    TLS_CERT: safe(o.certificate),
    TLS_KEY: safe(o.key),
    LISTEN_TLS: o.listen.map((address) => listen(address, ' ssl http2 backlog=4096')).join('\n  '),
    LISTEN_PLAIN: o.listenPlain.map((address) => listen(address, '')).join('\n  '),
    REAL_ADDRESS: behind
      ? [
          ...o.proxyProtocolFrom.map((net) => `set_real_ip_from ${safe(net)};`),
          'real_ip_header proxy_protocol;',
        ].join('\n')
      : '',
    SERVER_NAME: safe(o.serverName),
    CONNECTIONS_PER_ADDRESS: whole(o.connectionsPerAddress),
    REQUESTS_PER_SECOND: whole(o.requestsPerSecond),
    REQUEST_BURST: whole(o.requestBurst),
    CHECK_LISTEN: `127.0.0.1:${whole(o.checkPort)}`,
  };
}

function keepalivedValues(o: GatewayOptions, pair: GatewayPair): Values {
  return {
    ROUTER_ID: `parley_${safe(pair.own)}`,
    ROUTER_NUMBER: whole(pair.routerNumber),
    INTERFACE: safe(pair.device),
    OWN_ADDRESS: safe(pair.own),
    PEER_ADDRESS: safe(pair.peer),
    FLOATING_ADDRESS: safe(pair.floating),
    SCRIPT_USER: safe(pair.scriptUser),
    STATE_DIRECTORY: safe(pair.stateDirectory),
    SCRIPTS: safe(join(o.directory, 'keepalived')),
    CHECK_URL: `http://127.0.0.1:${whole(o.checkPort)}`,
  };
}

function servers(kind: string, addresses: readonly string[]): string {
  if (addresses.length === 0) throw new Error(`a gateway needs at least one ${kind} address`);
  return addresses.map((address) => `server ${safe(address)} max_fails=0;`).join('\n  ');
}

/** Nodes are believed by their authority; names are looked at, but all nodes have one. */
function upstreamTls(module: 'proxy' | 'grpc', authority: string | undefined): string {
  if (authority === undefined) return '';
  return [
    `${module}_ssl_protocols TLSv1.2 TLSv1.3;`,
    `${module}_ssl_trusted_certificate ${safe(authority)};`,
    `${module}_ssl_verify on;`,
    `${module}_ssl_verify_depth 3;`,
    `${module}_ssl_name ${nodeName};`,
    `${module}_ssl_server_name on;`,
  ].join('\n');
}

function safe(value: string): string {
  if (!plain.test(value)) throw new Error(`${JSON.stringify(value)} can't stand in a configuration`);
  return value;
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${value} is no whole number above 0`);
  return String(value);
}

function read(file: string): string {
  return readFileSync(join(root, 'deploy', file), 'utf8');
}

function filled(template: string, values: Values): string {
  return read(template).replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${template} wants ${name}`);
    return value;
  });
}
