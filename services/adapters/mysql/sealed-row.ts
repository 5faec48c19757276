import type { ByteString } from '../../core/byte-string.ts';
import type { ConvId, MsgId, Seq } from '../../core/ids.ts';
import type { ConversationSeal } from '../../core/seal.ts';
import { StoreError, type StoredEntry } from '../../ports/message-store.ts';
import { entryKindAt } from '../../ports/stored-words.ts';
import { messageOf } from './failure.ts';
import { bigOf, textOf } from './rows.ts';
import type { Row } from './session.ts';

/** An entry as the table has it: its body sealed. */
export interface SealedRow {
  readonly seq: Seq;
  readonly msgId: MsgId;
  readonly kind: number;
  readonly ord: number;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly status: number;
  readonly revision: number;
  readonly keyId: number;
  readonly body: Uint8Array;
}

export const sealedColumns = 'seq, msg_id, kind, ord, sender, created_at, status, revision, key_id, body';

/** From the columns above, in their order. The body is a view of what was read. */
export function sealedRow(row: Row): SealedRow {
  const [seq, msgId, kind, ord, sender, createdAt, status, revision] = row;
  const [keyId, body] = row.slice(8);
  return {
    seq: Number(seq),
    msgId: bigOf(msgId),
    kind: Number(kind),
    ord: Number(ord),
    sender: textOf(sender),
    createdAtMs: Number(createdAt),
    status: Number(status),
    revision: Number(revision),
    keyId: Number(keyId),
    body: body as Buffer,
  };
}

/** Throws a StoreError where the body was sealed for another place or with another key. */
export function openRow(row: SealedRow, seal: ConversationSeal, convId: ConvId): StoredEntry {
  const { seq, msgId, ord, sender, createdAtMs, revision } = row;
  return {
    seq,
    msgId,
    kind: entryKindAt(row.kind),
    ord,
    sender,
    createdAtMs,
    recalled: row.status === 1,
    revision,
    content: contentOf(row, seal, convId),
  };
}

function contentOf(row: SealedRow, seal: ConversationSeal, convId: ConvId): ByteString {
  const { seq, msgId, revision, keyId, body } = row;
  try {
    return seal.open(msgId, revision, { keyId, bytes: body });
  } catch (cause) {
    const words = `entry ${seq} of ${convId} does not open: ${messageOf(cause)}`;
    throw new StoreError('unavailable', words, cause);
  }
}
