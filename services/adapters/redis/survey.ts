import { Cluster } from 'ioredis';
import { DirectoryError } from '../../ports/directory.ts';
import { connectRedis, hangUp } from './connect.ts';
import type { DirectoryConfig } from './redis-directory.ts';
import { parseRedisUrl } from './redis-url.ts';

/** One Redis as it is found. */
export interface RedisSurvey {
  /** Empty for one that is not part of a cluster. */
  readonly node: string;
  readonly version: string;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly usedBytes: number;
  readonly evictionPolicy: string;
  /** Whether writes are kept in a file as they come. */
  readonly appends: boolean;
  readonly evictedKeys: number;
}

const withinMs = 3_000;

/** Looks at each Redis that is configured. Rejects with a DirectoryError that says in words why it can't. */
export async function surveyRedis(config: DirectoryConfig): Promise<readonly RedisSurvey[]> {
  const client = connectRedis({
    target: parseRedisUrl(config.redisUrl),
    sentinelPassword: config.sentinelPassword,
    sentinelTls: config.sentinelTls,
    caFile: config.caFile,
    commandTimeoutMs: config.commandTimeoutMs,
    name: 'parley doctor',
    random: Math.random,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      let last = 'nobody answers';
      const timer = setTimeout(() => reject(new DirectoryError('unavailable', last)), withinMs);
      client.on('error', (error: Error) => {
        last = error.message === '' ? ((error as NodeJS.ErrnoException).code ?? last) : error.message;
        // A password does not become right by trying again.
        if (/WRONGPASS|NOAUTH|NOPERM/.test(last)) {
          clearTimeout(timer);
          reject(new DirectoryError('unavailable', last));
        }
      });
      client.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (!(client instanceof Cluster)) return [surveyOf('', await client.info())];
    return await Promise.all(
      client.nodes('master').map(async (node) => {
        const { host, port } = node.options;
        return surveyOf(`${host}:${port}`, await node.info());
      }),
    );
  } catch (error) {
    if (error instanceof DirectoryError) throw error;
    throw new DirectoryError('unavailable', (error as Error).message, error);
  } finally {
    hangUp(client);
  }
}

function surveyOf(node: string, info: string): RedisSurvey {
  const values = new Map(
    info.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
  const number = (name: string): number => Number(values.get(name) ?? 0);
  return {
    node,
    version: values.get('redis_version') ?? '?',
    maxMemoryBytes: number('maxmemory'),
    usedBytes: number('used_memory'),
    evictionPolicy: values.get('maxmemory_policy') ?? '?',
    appends: values.get('aof_enabled') === '1',
    evictedKeys: number('evicted_keys'),
  };
}
