import type { BaseOptions } from '@platformatic/kafka';
import { FreshPem } from '../../core/fresh-pem.ts';

/** How to reach the brokers. */
export interface KafkaSettings {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Topics are named `PREFIX.events` and `PREFIX.dead-letters`; groups begin with `PREFIX.`. */
  readonly prefix: string;
  readonly partitions: number;
  /** 0: as the cluster has it. */
  readonly replicas: number;
  /** 0: as the cluster has it. */
  readonly minInSyncReplicas: number;
  readonly retentionMs: number;
  /** How long a publish may take, trying again included. */
  readonly publishTimeoutMs: number;
  readonly tls: boolean;
  /** PEM files; empty for none. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly sasl: 'none' | 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

/** Both ends of every wait for a broker are bounded: it may hang without closing a connection. */
export const requestMs = 5_000;

/** What all clients of one process share. Rejects when a file can't be read. */
export async function clientOptions(settings: KafkaSettings): Promise<BaseOptions> {
  const { brokers, tls, sasl, username, password } = settings;
  return {
    clientId: 'parley',
    bootstrapBrokers: [...brokers],
    connectTimeout: requestMs,
    requestTimeout: requestMs,
    timeout: requestMs,
    // At least 2: for an idempotent producer the library takes fewer for "without end".
    retries: 2,
    retryDelay: 100,
    autocreateTopics: false,
    ...(tls
      ? {
          tls: certificatesOf(settings),
          tlsServerName: true,
        }
      : {}),
    ...(sasl === 'none' ? {} : { sasl: { mechanism: sasl, username, password } }),
  };
}

/** Read anew at each connection. */
function certificatesOf({ caFile, certFile, keyFile }: KafkaSettings): NonNullable<BaseOptions['tls']> {
  const files = { ca: caFile, cert: certFile, key: keyFile };
  const options = {};
  for (const [name, path] of Object.entries(files)) {
    if (path === '') continue;
    const file = new FreshPem(path);
    Object.defineProperty(options, name, { enumerable: true, get: () => file.current });
  }
  return options;
}

/** Whether an error, or one behind it, is this one of the protocol. */
export function isProtocolError(error: unknown, ...ids: readonly string[]): boolean {
  return ids.some((id) =>
    (error as { findBy?(name: string, value: unknown): unknown })?.findBy?.('apiId', id),
  );
}

/** Lets a client go: whatever it still does is cut off, and how that ends is of no interest. Resolves when it is gone. */
export async function discard(client: { close(force?: boolean): Promise<void> }): Promise<void> {
  try {
    await client.close(true);
  } catch {
    // It may have been closed by its trouble already.
  }
}
