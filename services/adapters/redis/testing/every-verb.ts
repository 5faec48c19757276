import { setTimeout as pause } from 'node:timers/promises';
import { DirectoryError } from '../../../ports/directory.ts';
import { ada, garden, node, revocation, session } from '../../../ports/directory-conformance/fixture.ts';
import type { RedisDirectory } from '../redis-directory.ts';

export const rate = { name: 'test', perSecond: 0.001, burst: 1 };
export const page = { epoch: 'e', convId: garden, page: 0, projectedSeq: 0 };
/** No verb may take longer, however busy the machine: a caller would be held up by it. */
export const patienceMs = 5_000;

/** Each verb once, with what becomes of it. None may hang. */
export async function everyVerb(directory: RedisDirectory): Promise<Record<string, unknown>> {
  const { nodes, sessions, revocations, rates, pages } = directory;
  const verbs: Record<string, Promise<unknown>> = {
    renew: nodes.renew(node('one')),
    leave: nodes.leave(node('two')),
    list: nodes.list('message'),
    put: sessions.put([session(1)]),
    remove: sessions.remove([session(2)]),
    of: sessions.of(ada),
    count: sessions.count([ada]),
    revoke: revocations.revoke(revocation()),
    take: rates.take(rate, 'ada'),
    pages: pages.get([page]),
    putPages: pages.put([{ key: page, rows: Uint8Array.of(1) }]),
  };
  const hung = pause(patienceMs, 'hung', { ref: false });
  const outcome = (verb: Promise<unknown>): Promise<unknown> =>
    verb.catch((error: unknown) => (error instanceof DirectoryError ? error.kind : error));
  const ended = Object.entries(verbs).map(async ([name, verb]) => [
    name,
    await Promise.race([outcome(verb), hung]),
  ]);
  return Object.fromEntries(await Promise.all(ended)) as Record<string, unknown>;
}

/** What verbs say while Redis is away. */
export const away = {
  renew: 'unavailable',
  leave: 'unavailable',
  list: 'unavailable',
  put: 'unavailable',
  remove: 'unavailable',
  of: 'unavailable',
  count: 'unavailable',
  revoke: 'unavailable',
  take: 0,
  pages: [undefined],
  putPages: undefined,
};
