import type { UserId } from '../../core/ids.ts';
import type { NodeRole, PageKey } from '../../ports/directory.ts';

/**
 * All keys and channels there are. What one script touches shares a hash tag (`{…}`), so that a cluster keeps it in one
 * place; ids are percent-encoded, so that no id ends a tag or a part of a key early.
 *
 * | key | type | |
 * | --- | --- | --- |
 * | `P:node:{role}:id` | hash | what a node tells of itself; lapses with its lease |
 * | `P:nodes:{role}` | sorted set | ids of the role's nodes by the end of their lease |
 * | `P:born:{role}` | string | drawn when the role's nodes were first registered: another one says that all was lost |
 * | `P:probe:{role}` | string | empty: written to find out whether leases can be renewed; expires |
 * | `P:session:{user}:node:number` | hash | a session, written by redis-om; expires |
 * | `P:sessions:{user}` | sorted set | the user's sessions by their end |
 * | `P:revoked:{user}` | hash | device (or nothing, for all) → `issued until:ends at`; expires with the last |
 * | `P:revocations` | stream | revocations in the order they were made, the newest 100,000 |
 * | `P:revocations-born` | string | drawn when revocations were first looked for: another one says that all were lost |
 * | `P:rate:name:{key}` | string | theoretical arrival time in microseconds; expires |
 * | `P:page:{conversation}:epoch:page:projected` | string | sealed rows; expires |
 */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  node(role: NodeRole, id: string): string {
    return `${this.#prefix}:node:{${role}}:${encode(id)}`;
  }

  nodes(role: NodeRole): string {
    return `${this.#prefix}:nodes:{${role}}`;
  }

  born(role: NodeRole): string {
    return `${this.#prefix}:born:{${role}}`;
  }

  probe(role: NodeRole): string {
    return `${this.#prefix}:probe:{${role}}`;
  }

  /** What redis-om puts in front of a session's own part of the key. */
  get sessionSchema(): string {
    return `${this.#prefix}:session`;
  }

  /** A session's own part of its key. */
  sessionId(session: { readonly userId: UserId; readonly nodeId: string; readonly session: number }): string {
    return `{${encode(session.userId)}}:${encode(session.nodeId)}:${session.session}`;
  }

  session(id: string): string {
    return `${this.sessionSchema}:${id}`;
  }

  sessions(userId: UserId): string {
    return `${this.#prefix}:sessions:{${encode(userId)}}`;
  }

  revoked(userId: UserId): string {
    return `${this.#prefix}:revoked:{${encode(userId)}}`;
  }

  get revocations(): string {
    return `${this.#prefix}:revocations`;
  }

  get revocationsBorn(): string {
    return `${this.#prefix}:revocations-born`;
  }

  rate(name: string, key: string): string {
    return `${this.#prefix}:rate:${name}:{${encode(key)}}`;
  }

  page({ epoch, convId, page, projectedSeq }: PageKey): string {
    return `${this.#prefix}:page:{${encode(convId)}}:${encode(epoch)}:${page}:${projectedSeq}`;
  }

  /** Told the role whose nodes changed. */
  get nodesChannel(): string {
    return `${this.#prefix}:nodes-changed`;
  }

  /** Told that something was revoked. */
  get revokedChannel(): string {
    return `${this.#prefix}:revoked-now`;
  }
}

const encode = encodeURIComponent;
