import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { NewEntry } from '../../ports/message-store.ts';
import type { OutboxSpan } from '../../ports/outbox-rows.ts';
import type { Rendered } from './rendered.ts';

/** The payload of a row of the outbox: a version, and the spans. References alone, no content. */

const version = 1;

export function encodePayload(parts: readonly Rendered[]): Uint8Array {
  const out = ByteWriter.message(64 * parts.length + 8);
  out.u8(version);
  out.u32(parts.length);
  for (const { commit } of parts) {
    out.u64(commit.convNo);
    out.text(commit.convId);
    out.u53((commit.entries[0] as NewEntry).seq);
    out.u53((commit.entries.at(-1) as NewEntry).seq);
  }
  return out.view();
}

/** Throws RangeError for what this program does not know. */
export function decodePayload(bytes: Uint8Array): OutboxSpan[] {
  const reader = new ByteReader(bytes);
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
