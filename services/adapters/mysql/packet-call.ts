import { encodeCommit } from '../../ports/commit-codec.ts';
import type { CommitBatch, StoreErrorKind } from '../../ports/message-store.ts';
import type { MasterKey } from '../../core/seal.ts';

/** What the thread that renders packets is told, and what it answers. Big things travel as moved buffers. */

export interface PacketSetup {
  readonly masterKeys: readonly MasterKey[];
}

export interface PacketCall {
  readonly id: number;
  /** A CommitBatch, encoded; the first `length` bytes count. */
  readonly batch: ArrayBuffer;
  readonly length: number;
  /** Conversations, by their place in the batch, whose number is not known to be theirs. */
  readonly unnamed: readonly number[];
  readonly incarnation: string;
  readonly outbox: boolean;
  readonly maxPacketBytes: number;
}

export type PacketReply =
  /** The packets, in ASCII. */
  | { readonly t: 'packets'; readonly id: number; readonly packets: readonly ArrayBuffer[] }
  | { readonly t: 'refusal'; readonly id: number; readonly kind: StoreErrorKind; readonly message: string };

export function packetCall(batch: CommitBatch, fields: Omit<PacketCall, 'batch' | 'length'>): PacketCall {
  const encoded = encodeCommit(batch);
  return { ...fields, batch: encoded.take(), length: encoded.length };
}
