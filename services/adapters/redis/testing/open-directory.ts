import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../../../test/e2e/support/until.ts';
import { systemClock } from '../../../core/clock.ts';
import type { UserId } from '../../../core/ids.ts';
import { loadConfig } from '../../../core/config.ts';
import { silentLogger } from '../../../core/log.ts';
import {
  type DirectoryFixture,
  fixtureBytes,
  fixtureTimes,
} from '../../../ports/directory-conformance/fixture.ts';
import { directoryOptions } from '../options.ts';
import { type DirectoryConfig, RedisDirectory } from '../redis-directory.ts';

export function config(url: string, fields: Partial<DirectoryConfig> = {}): DirectoryConfig {
  const { directory } = loadConfig({ directory: directoryOptions }, {});
  const quick = { ...fixtureTimes, ...fixtureBytes, revocationPollMs: 100 };
  // A busy machine may take longer over an answer than one in production.
  return {
    ...directory,
    ...quick,
    commandTimeoutMs: 1_000,
    redisUrl: url,
    keyPrefix: ownPrefix(),
    ...fields,
  };
}

/** For a test's own keys. */
export function ownPrefix(): string {
  return `t${randomBytes(6).toString('hex')}`;
}

/** A directory that is within reach. */
export async function openDirectory(configured: DirectoryConfig): Promise<RedisDirectory> {
  const directory = new RedisDirectory({
    config: configured,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  if (!(await directory.reached(10_000))) throw new Error('Redis is not within reach');
  return directory;
}

/** Waits until Redis is used again, all parts of a cluster included. */
export async function reached(directory: RedisDirectory): Promise<void> {
  const users = Array.from({ length: 32 }, (_, at) => `user ${at}` as UserId);
  await until(
    () =>
      directory.sessions.count(users).then(
        () => true,
        () => false,
      ),
    () => 'Redis is not within reach',
  );
}

/** Two nodes on one Redis, under a prefix of their own; `after` is disposed of when they are closed. */
export async function openFixture(
  url: string,
  { keyPrefix = ownPrefix(), after = undefined as AsyncDisposable | undefined } = {},
): Promise<DirectoryFixture> {
  // What a promise takes is not the question here, and the machine may be busy.
  const configured = config(url, { keyPrefix, commandTimeoutMs: 5_000 });
  let directory = await openDirectory(configured);
  let other = await openDirectory(configured);
  const close = async (): Promise<void> => {
    await directory.close();
    await other.close();
  };
  return {
    get directory() {
      return directory;
    },
    get other() {
      return other;
    },
    async reopen() {
      await close();
      directory = await openDirectory(configured);
      other = await openDirectory(configured);
    },
    async [Symbol.asyncDispose]() {
      await close();
      await after?.[Symbol.asyncDispose]();
    },
  };
}

/** Started by the first test that wants it, stopped after the last one. */
export function shared<T extends AsyncDisposable>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  test.after(async () => (await started)?.[Symbol.asyncDispose]());
  return () => {
    started ??= start();
    return started;
  };
}
