import { ServerCredentials } from '@grpc/grpc-js';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../core/config.ts';

interface TlsConfig {
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsClientCa: string | undefined;
}

/** The certificates that the configuration names, or none. Throws a ConfigError for half a configuration. */
export async function loadCredentials({
  tlsCert,
  tlsKey,
  tlsClientCa,
}: TlsConfig): Promise<ServerCredentials> {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa === undefined) return ServerCredentials.createInsecure();
    throw new ConfigError(['PARLEY_GRPC_TLS_CLIENT_CA needs PARLEY_GRPC_TLS_CERT and PARLEY_GRPC_TLS_KEY']);
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new ConfigError(['PARLEY_GRPC_TLS_CERT and PARLEY_GRPC_TLS_KEY must be set together']);
  }
  const pair = {
    cert_chain: await readPem('PARLEY_GRPC_TLS_CERT', tlsCert),
    private_key: await readPem('PARLEY_GRPC_TLS_KEY', tlsKey),
  };
  if (tlsClientCa === undefined) return ServerCredentials.createSsl(null, [pair]);
  return ServerCredentials.createSsl(await readPem('PARLEY_GRPC_TLS_CLIENT_CA', tlsClientCa), [pair], true);
}

async function readPem(env: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ConfigError([`${env} must name a readable file: ${(error as Error).message}`]);
  }
}
