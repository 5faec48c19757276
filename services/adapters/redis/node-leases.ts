import { randomUUID } from 'node:crypto';
import type { Logger } from '../../core/log.ts';
import type { NodeLeases, NodeListing, NodeRecord, NodeRole, NodeState } from '../../ports/directory.ts';
import { malformed } from './events.ts';
import type { Keys } from './keys.ts';
import type { RedisConnection } from './redis-connection.ts';
import { loadScript } from './script.ts';
import type { Subscriber } from './subscriber.ts';

const renewNode = loadScript('renew-node');
const leaveNode = loadScript('leave-node');
const listedAtMost = 1_000;

/** Node leases as keys that expire; see `keys.ts`. */
export class RedisNodeLeases implements NodeLeases {
  readonly ttlMs: number;
  readonly #parts: RedisNodeLeasesParts;

  constructor(parts: RedisNodeLeasesParts) {
    this.#parts = parts;
    this.ttlMs = parts.leaseMs;
  }

  async renew(node: NodeRecord): Promise<'held' | 'superseded'> {
    const { connection, keys, subscriber } = this.#parts;
    const { role, id, incarnation, address, state, load, protocol } = node;
    const answer = await connection.script(
      renewNode,
      [keys.node(role, id), keys.nodes(role), keys.born(role)],
      [id, incarnation, address, state, load, protocol, this.ttlMs, randomUUID()],
    );
    if (answer === 2) await subscriber.publish(keys.nodesChannel, role);
    return answer === 0 ? 'superseded' : 'held';
  }

  async leave({ role, id, incarnation }: Pick<NodeRecord, 'role' | 'id' | 'incarnation'>): Promise<void> {
    const { connection, keys, subscriber } = this.#parts;
    const answer = await connection.script(
      leaveNode,
      [keys.node(role, id), keys.nodes(role)],
      [id, incarnation],
    );
    if (answer === 1) await subscriber.publish(keys.nodesChannel, role);
  }

  async list(role: NodeRole): Promise<NodeListing> {
    const { connection, keys } = this.#parts;
    const before = connection.generation;
    const [nodes, born] = await connection.run(async (redis) => {
      const ids = await redis.zrevrange(keys.nodes(role), 0, listedAtMost - 1);
      const rows = Promise.all(ids.map((id) => redis.hgetall(keys.node(role, id))));
      // One that refuses writes (a full disk, a master that became a replica) answers all the same, and shows nobody.
      const probe = redis.set(keys.probe(role), '', 'PX', this.ttlMs);
      // The birth is read last: where Redis is emptied on the way it is missing, and nobody takes the rest for the truth.
      const [found, birth] = await Promise.all([rows, redis.get(keys.born(role)), probe]);
      return [found.flatMap((row, at) => this.#node(role, ids[at] as string, row)), birth] as const;
    });
    return { nodes, generation: `${before}/${connection.generation}/${born ?? ''}` };
  }

  onChange(role: NodeRole, listener: () => void): () => void {
    const { keys, subscriber } = this.#parts;
    return subscriber.on(keys.nodesChannel, (told) => {
      if (told === role) listener();
    });
  }

  /** Nothing for a node whose lease has lapsed. */
  #node(role: NodeRole, id: string, row: Readonly<Record<string, string>>): NodeRecord[] {
    if (row.incarnation === undefined) return [];
    const { address = '', state } = row;
    const [incarnation, load, protocol] = [Number(row.incarnation), Number(row.load), Number(row.protocol)];
    const isSound =
      Number.isSafeInteger(incarnation) && load >= 0 && load <= 1 && protocol >= 1 && address !== '';
    if (isSound && isState(state)) return [{ role, id, address, state, load, incarnation, protocol }];
    malformed(this.#parts, 'a node');
    return [];
  }
}

function isState(text: string | undefined): text is NodeState {
  return text === 'joining' || text === 'ready' || text === 'draining';
}

export interface RedisNodeLeasesParts {
  readonly connection: RedisConnection;
  readonly subscriber: Subscriber;
  readonly keys: Keys;
  readonly leaseMs: number;
  readonly log: Logger;
  readonly meters: RedisConnection['meters'];
}
