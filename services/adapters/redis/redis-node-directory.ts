import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type {
  Announcement,
  NodeDirectory,
  NodeLease,
  NodeRole,
  NodeState,
  SeenLeases,
} from '../../ports/node-directory.ts';
import { type RedisClient, Script } from './script.ts';

const announceScript = new Script('announce');
const liveNodesScript = new Script('live-nodes');
const withdrawScript = new Script('withdraw');

export interface RedisNodeDirectoryOptions {
  readonly redis: RedisClient;
  /** In front of all keys. */
  readonly prefix: string;
  /** How long an announcement holds without being renewed, in milliseconds; it is renewed three times in this time. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

interface Watched {
  readonly changed: (seen: SeenLeases) => void;
  seen: SeenLeases | 'nothing yet';
}

/**
 * Leases of nodes in Redis: one hash a role, times by Redis' own clock. Readers poll. A Redis that comes back without its
 * data says so by another beginning: until every node had time to announce itself again, it is as good as away.
 */
export class RedisNodeDirectory implements NodeDirectory, Disposable {
  readonly #options: RedisNodeDirectoryOptions;
  readonly #beginning = randomUUID();
  readonly #watched = new Map<NodeRole, Set<Watched>>();
  readonly #polls = new Map<NodeRole, NodeJS.Timeout>();
  readonly #renewals = new Set<NodeJS.Timeout>();
  /** By role, the beginning of the data that is believed, and since when another one is seen. */
  readonly #believed = new Map<NodeRole, string>();
  readonly #doubted = new Map<NodeRole, { readonly beginning: string; readonly sinceMs: number }>();

  constructor(options: RedisNodeDirectoryOptions) {
    this.#options = options;
  }

  announce(lease: NodeLease, superseded: () => void): Announcement {
    const { leaseMs } = this.#options;
    let present = lease;
    let over = false;
    const renew = async (): Promise<void> => {
      try {
        if (!over && !(await this.#announce(present))) {
          over = true;
          end();
          superseded();
        }
      } catch {
        // It lapses for the others; the next renewal may succeed.
      }
    };
    const timer = setInterval(() => void renew(), leaseMs / 3);
    this.#renewals.add(timer);
    const end = (): void => {
      clearInterval(timer);
      this.#renewals.delete(timer);
    };
    void renew();
    return {
      update: (state: NodeState) => {
        present = { ...present, state };
        void renew();
      },
      withdraw: async () => {
        over = true;
        end();
        const { nodeId, incarnation, role } = lease;
        await withdrawScript
          .run(this.#options.redis, [this.#leases(role)], [nodeId, incarnation])
          .catch(() => {});
      },
    };
  }

  watch(role: NodeRole, changed: (seen: SeenLeases) => void): Disposable {
    const watched: Watched = { changed, seen: 'nothing yet' };
    let all = this.#watched.get(role);
    if (all === undefined) {
      all = new Set();
      this.#watched.set(role, all);
      this.#polls.set(
        role,
        setInterval(() => void this.#poll(role), this.#options.leaseMs / 3),
      );
    }
    all.add(watched);
    void this.#poll(role);
    return {
      [Symbol.dispose]: () => {
        all.delete(watched);
        if (all.size > 0) return;
        this.#watched.delete(role);
        clearInterval(this.#polls.get(role));
        this.#polls.delete(role);
      },
    };
  }

  [Symbol.dispose](): void {
    for (const timer of [...this.#polls.values(), ...this.#renewals]) clearInterval(timer);
    this.#watched.clear();
  }

  async #announce(lease: NodeLease): Promise<boolean> {
    const { redis, leaseMs } = this.#options;
    const { role, nodeId, incarnation } = lease;
    const keys = [this.#leases(role), this.#beginningKey(role)];
    const args = [nodeId, incarnation, JSON.stringify(lease), leaseMs, this.#beginning];
    return (await announceScript.run(redis, keys, args)) === 1;
  }

  async #poll(role: NodeRole): Promise<void> {
    const seen = await this.#read(role);
    for (const watched of this.#watched.get(role) ?? []) {
      if (watched.seen !== 'nothing yet' && same(watched.seen, seen)) continue;
      watched.seen = seen;
      watched.changed(seen);
    }
  }

  async #read(role: NodeRole): Promise<SeenLeases> {
    try {
      const keys = [this.#leases(role), this.#beginningKey(role)];
      const [beginning, ...leases] = (await liveNodesScript.run(this.#options.redis, keys, [])) as [
        string | null,
        ...string[],
      ];
      if (!this.#believes(role, beginning ?? '')) return undefined;
      const nodes = leases.map((lease) => JSON.parse(lease) as NodeLease);
      return nodes.sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
    } catch {
      return undefined;
    }
  }

  /** Whether what Redis holds is the continuation of what it held, or has been there for long enough to be all. */
  #believes(role: NodeRole, beginning: string): boolean {
    const believed = this.#believed.get(role) ?? '';
    if (believed === '' || beginning === believed || this.#outlasts(role, beginning)) {
      this.#believed.set(role, beginning);
      this.#doubted.delete(role);
      return true;
    }
    return false;
  }

  /** Whether another beginning has been seen for so long that every node has announced itself again. */
  #outlasts(role: NodeRole, beginning: string): boolean {
    const { clock, leaseMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const doubted = this.#doubted.get(role);
    if (doubted?.beginning === beginning) return nowMs - doubted.sinceMs >= leaseMs;
    this.#doubted.set(role, { beginning, sinceMs: nowMs });
    return false;
  }

  // Keys of one script must lie on one node of a Redis Cluster: what is in braces decides where.
  #leases(role: NodeRole): string {
    return `${this.#options.prefix}{nodes:${role}}:leases`;
  }

  #beginningKey(role: NodeRole): string {
    return `${this.#options.prefix}{nodes:${role}}:beginning`;
  }
}

function same(one: SeenLeases, other: SeenLeases): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
