import { Certificates } from './certificates.ts';
import { ConfigError } from './config.ts';

/** The files of a door for clients, by the variables that name them. */
export interface DoorTlsFiles {
  /** Label of metrics: `http`. */
  readonly name: string;
  /** What its variables begin with: `PARLEY_HTTP_TLS`. */
  readonly prefix: string;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Where it is named, clients must show a certificate. */
  readonly clientCa?: string | undefined;
}

/** The certificates that the configuration names; undefined where it names none. Throws a ConfigError for half of them. */
export async function loadDoorTls(files: DoorTlsFiles): Promise<Certificates | undefined> {
  const { name, prefix, cert, key, clientCa } = files;
  const env = { cert: `${prefix}_CERT`, key: `${prefix}_KEY`, ca: `${prefix}_CLIENT_CA` };
  if (cert === undefined && key === undefined) {
    if (clientCa === undefined) return undefined;
    throw new ConfigError([`${env.ca} needs ${env.cert} and ${env.key}`]);
  }
  if (cert === undefined || key === undefined)
    throw new ConfigError([`${env.cert} and ${env.key} must be set together`]);
  return Certificates.load({
    name,
    cert: { env: env.cert, path: cert },
    key: { env: env.key, path: key },
    ca: clientCa === undefined ? undefined : { env: env.ca, path: clientCa },
  });
}
