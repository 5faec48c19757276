import type { ConvId, UserId } from '../../core/ids.ts';
import type { Directory, NodeRecord, Revocation, SessionRecord } from '../directory.ts';

/** How long things last in the directory of a fixture: short, but longer than a busy machine dawdles. */
export const fixtureTimes = { leaseMs: 1_500, sessionTtlMs: 2_000, pageTtlMs: 2_000 } as const;
export const fixtureBytes = { pageBytes: 4_096, pageCacheBytes: 1_048_576 } as const;

/** A directory of a test's own, empty at first. */
export interface DirectoryFixture extends AsyncDisposable {
  readonly directory: Directory;
  /** The directory as another node sees it; for one in the process itself, the same. */
  readonly other: Directory;
  /** As after a restart of all nodes. */
  reopen(): Promise<void>;
}

export type OpenDirectory = () => Promise<DirectoryFixture>;

/** Ids that need care in keys: braces, colons, percents, blanks, and other scripts. */
export const awkwardIds = ['plain', 'a:b', '}{', '{x}', '100%', 'two words', '日本', '*?[a]'] as const;

export const ada = 'ada' as UserId;
export const bob = 'bob' as UserId;
export const garden = 'garden' as ConvId;

export function node(id: string, fields: Partial<NodeRecord> = {}): NodeRecord {
  const usual = { state: 'ready', load: 0.25, incarnation: 1, protocol: 1 } as const;
  return { role: 'message', id, address: `${id}:9505`, ...usual, ...fields };
}

export function session(number: number, fields: Partial<SessionRecord> = {}): SessionRecord {
  const usual = { userId: ada, nodeId: 'edge-1', deviceId: `device ${number}`, sinceMs: 1_700_000_000_123 };
  return { session: number, ...usual, ...fields };
}

export function revocation(fields: Partial<Revocation> = {}): Revocation {
  const nowMs = Date.now();
  return { userId: ada, deviceId: '', issuedUntilMs: nowMs, endsAtMs: nowMs + 600_000, ...fields };
}
