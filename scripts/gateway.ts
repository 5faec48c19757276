import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type GatewayPair, writeGateway } from './gateway-files.ts';

/** Writes the configuration of one gateway: nginx, and keepalived where there are two of them. */

const usage = `npm run gateway -- --directory DIR --http HOST:PORT --grpc HOST:PORT --certificate FILE --key FILE

  --directory DIR         where the files are written, and will be read
  --http HOST:PORT        a bridge's HTTP port; again for each
  --grpc HOST:PORT        a connection node's gRPC port; again for each
  --certificate FILE      PEM file with the certificate chain
  --key FILE              PEM file with its key
  --server-name NAME      default: any
  --listen [ADDR:]PORT    for TLS; again for each; default: 443 and [::]:443
  --listen-plain [ADDR:]PORT   answers "come by TLS"; default: 80 and [::]:80
  --check-port PORT       for keepalived, on this machine alone; default: 9510
  --proxy-protocol NET    load balancers of this network are in front and speak the PROXY protocol; again for each
  --upstream-authority FILE    nodes have certificates of this authority, for the name "node"
  --connections-per-address N  default: 2000
  --requests-per-second N      of one address; default: 200, and --request-burst 2000
  --nginx-user USER       default: www-data
  --logs DIR --run DIR    default: /var/log/nginx and /run

Two gateways with a floating address:

  --floating ADDR/LENGTH  the address that moves, with the length of its network
  --own ADDR --peer ADDR  this gateway's own address, and the other one's
  --device DEVICE         that the addresses are on
  --router-number N       1 to 255, the same on both, nobody else's in this network; default: 51
  --script-user USER      default: keepalived_script
  --state DIR             for the node exporter; default: /var/lib/prometheus/node-exporter
`;

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;

try {
  const { values } = parseArgs({
    options: {
      directory: text,
      http: texts,
      grpc: texts,
      certificate: text,
      key: text,
      'server-name': { ...text, default: '_' },
      listen: { ...texts, default: ['443', '[::]:443'] },
      'listen-plain': { ...texts, default: ['80', '[::]:80'] },
      'check-port': { ...text, default: '9510' },
      'proxy-protocol': { ...texts, default: [] },
      'upstream-authority': text,
      'connections-per-address': { ...text, default: '2000' },
      'requests-per-second': { ...text, default: '200' },
      'request-burst': { ...text, default: '2000' },
      'nginx-user': { ...text, default: 'www-data' },
      logs: { ...text, default: '/var/log/nginx' },
      run: { ...text, default: '/run' },
      floating: text,
      own: text,
      peer: text,
      device: text,
      'router-number': { ...text, default: '51' },
      'script-user': { ...text, default: 'keepalived_script' },
      state: { ...text, default: '/var/lib/prometheus/node-exporter' },
    },
  });
  const must = (
    name: 'directory' | 'certificate' | 'key' | 'floating' | 'own' | 'peer' | 'device',
  ): string => {
    const value = values[name];
    if (value === undefined) throw new Error(`--${name} is missing`);
    return value;
  };
  const paired = [values.floating, values.own, values.peer, values.device].some(
    (value) => value !== undefined,
  );
  const pair: GatewayPair | undefined = paired
    ? {
        device: must('device'),
        own: must('own'),
        peer: must('peer'),
        floating: must('floating'),
        routerNumber: Number(values['router-number']),
        scriptUser: values['script-user'],
        stateDirectory: resolve(values.state),
      }
    : undefined;
  const written = await writeGateway({
    directory: resolve(must('directory')),
    http: values.http ?? [],
    grpc: values.grpc ?? [],
    certificate: resolve(must('certificate')),
    key: resolve(must('key')),
    serverName: values['server-name'],
    listen: values.listen,
    listenPlain: values['listen-plain'],
    checkPort: Number(values['check-port']),
    proxyProtocolFrom: values['proxy-protocol'],
    upstreamAuthority: values['upstream-authority'] && resolve(values['upstream-authority']),
    connectionsPerAddress: Number(values['connections-per-address']),
    requestsPerSecond: Number(values['requests-per-second']),
    requestBurst: Number(values['request-burst']),
    nginxUser: values['nginx-user'],
    logs: resolve(values.logs),
    run: resolve(values.run),
    pair,
  });
  for (const file of written) process.stdout.write(`${file}\n`);
} catch (error) {
  process.stderr.write(`gateway: ${(error as Error).message}\n\n${usage}`);
  process.exitCode = 2;
}
