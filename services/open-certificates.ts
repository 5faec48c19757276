import { type CertificateFiles, Certificates, type NamedFile } from './core/certificates.ts';
import { CertificateWatch } from './core/certificate-watch.ts';
import { systemClock } from './core/clock.ts';
import { loadDoorTls } from './core/door-tls.ts';
import { loadLinkTls } from './core/link-tls.ts';
import type { Logger } from './core/log.ts';
import type { Meters } from './core/meters.ts';
import type { Config } from './options.ts';

/** The certificates of a process, each undefined where none is configured, and who looks whether they were replaced. */
export interface OpenedCertificates {
  /** For all that nodes and bridges say to each other. */
  readonly links: Certificates | undefined;
  readonly http: Certificates | undefined;
  readonly grpc: Certificates | undefined;
  readonly metrics: Certificates | undefined;
  readonly watch: CertificateWatch;
}

/** Reads what the configuration names for links, metrics and what else this process uses. Throws a ConfigError for files that are of no use. */
export async function openCertificates(
  config: Config,
  log: Logger,
  meters: Meters,
  uses: { readonly http: boolean; readonly grpc: boolean; readonly engines: boolean },
): Promise<OpenedCertificates> {
  const { bridge, grpc, telemetry } = config;
  const links = await loadLinkTls(config.linkTls);
  const http = uses.http
    ? await loadDoorTls({
        name: 'http',
        prefix: 'PARLEY_HTTP_TLS',
        cert: bridge.tlsCert,
        key: bridge.tlsKey,
      })
    : undefined;
  const native = uses.grpc
    ? await loadDoorTls({
        name: 'grpc',
        prefix: 'PARLEY_GRPC_TLS',
        cert: grpc.tlsCert,
        key: grpc.tlsKey,
        clientCa: grpc.tlsClientCa,
      })
    : undefined;
  const metrics = await loadDoorTls({
    name: 'metrics',
    prefix: 'PARLEY_METRICS_TLS',
    cert: telemetry.tlsCert,
    key: telemetry.tlsKey,
    clientCa: telemetry.tlsClientCa,
  });
  const watch = new CertificateWatch({
    certificates: [links, http, native, metrics, ...(uses.engines ? await ofEngines(config) : [])],
    rereadMs: config.tls.rereadMs,
    clock: systemClock,
    meters,
    log,
  });
  return { links, http, grpc: native, metrics, watch };
}

/** Adapters read these by themselves whenever they connect; here they are looked after. */
async function ofEngines({ mysql, directory, kafka }: Config): Promise<Certificates[]> {
  const all: CertificateFiles[] = [
    { name: 'mysql', ca: named('PARLEY_MYSQL_CA_FILE', mysql.caFile) },
    { name: 'redis', ca: named('PARLEY_REDIS_CA_FILE', directory.caFile) },
    {
      name: 'kafka',
      cert: named('PARLEY_KAFKA_CERT_FILE', kafka.certFile),
      key: named('PARLEY_KAFKA_KEY_FILE', kafka.keyFile),
      ca: named('PARLEY_KAFKA_CA_FILE', kafka.caFile),
    },
  ];
  const configured = all.filter(({ ca, cert }) => ca !== undefined || cert !== undefined);
  return Promise.all(configured.map((files) => Certificates.load(files)));
}

function named(env: string, path: string): NamedFile | undefined {
  return path === '' ? undefined : { env, path };
}
