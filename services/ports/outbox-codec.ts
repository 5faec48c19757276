import { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { ConversationCommit, NewEntry } from './message-store.ts';
import type { OutboxSpan } from './outbox.ts';

/** What a row of the outbox holds: a version, and the spans. References alone, no content. */

const version = 1;

/** What a commit to one conversation writes. */
export function spanOf({ convNo, convId, entries }: ConversationCommit): OutboxSpan {
  const [first, last] = [entries[0] as NewEntry, entries.at(-1) as NewEntry];
  return { convNo, convId, firstSeq: first.seq, lastSeq: last.seq };
}

export function encodeSpans(spans: readonly OutboxSpan[]): Uint8Array {
  const out = ByteWriter.message(64 * spans.length + 8);
  writeSpans(out, spans);
  return out.view();
}

export function writeSpans(out: ByteWriter, spans: readonly OutboxSpan[]): void {
  out.u8(version);
  out.u32(spans.length);
  for (const { convNo, convId, firstSeq, lastSeq } of spans) {
    out.u64(convNo);
    out.text(convId);
    out.u53(firstSeq);
    out.u53(lastSeq);
  }
}

/** Throws RangeError for what this program does not know. */
export function decodeSpans(bytes: Uint8Array): OutboxSpan[] {
  return readSpans(new ByteReader(bytes));
}

export function readSpans(reader: ByteReader): OutboxSpan[] {
  const found = reader.u8();
  if (found !== version)
    throw new RangeError(`an outbox row of version ${found}: written by a newer program?`);
  return Array.from({ length: reader.u32() }, () => ({
    convNo: reader.u64(),
    convId: reader.conv(),
    firstSeq: reader.u53(),
    lastSeq: reader.u53(),
  }));
}
