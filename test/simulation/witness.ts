import type { ConvId } from '../../services/core/ids.ts';
import type { MemoryStore } from '../../services/message/testing/memory-store.ts';
import type { ClientEvent } from '../checker/log.ts';
import type { Restores } from './restores.ts';
import type { SimFindings } from './sim-findings.ts';

/**
 * Looks at each entry and each acknowledgement at the moment in which a client gets it: it must be in the store by then,
 * and not only in the end (I1), as it is there (I4).
 */
export class Witness {
  readonly #rows: MemoryStore;
  readonly #findings: SimFindings;
  readonly #restores: Restores;

  constructor(parts: { rows: MemoryStore; findings: SimFindings; restores: Restores }) {
    this.#restores = parts.restores;
    this.#rows = parts.rows;
    this.#findings = parts.findings;
  }

  saw(user: string, event: ClientEvent): void {
    if (event.t === 'sent') this.#stands(user, 'acknowledged', event.convId, event.seq, event.msgId);
    else if (event.t === 'entry' || event.t === 'fetched') {
      const { seq, msgId, content } = event.entry;
      if (content.t !== 'hidden') this.#stands(user, event.t, event.convId, seq, msgId);
    }
  }

  /** Clients leave a session before they open the next: the one that hears of it is the newest of its device. */
  superseded(client: string): void {
    this.#findings.add('superseded', `${client} was told so of the only session that it has`);
  }

  #stands(user: string, how: string, convId: string, seq: number, msgId: bigint): void {
    const stored = this.#rows.log(convId as ConvId)[seq - 1];
    if (stored?.msgId === msgId || this.#restores.hasLost(msgId)) return;
    const is = stored === undefined ? 'nothing' : String(stored.msgId);
    this.#findings.add(
      'durable',
      `${seq} of ${convId}, ${how} to ${user}, is ${msgId}; in the store is ${is}`,
    );
  }
}
