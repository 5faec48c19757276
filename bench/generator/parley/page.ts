import { fromBinary } from '@bufbuild/protobuf';
import { EntriesSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { Traffic } from '../client.ts';
import { conversationOf, fillerIntact, numberOf } from '../stamp.ts';

/** Entries asked for with each page. */
export const pageSize = 50;

/** What is wrong with a page of a conversation's newest entries; undefined when nothing is. */
export function pageProblem(page: Buffer, conversation: number, traffic: Traffic): string | undefined {
  const { entries, headSeq } = fromBinary(EntriesSchema, page);
  if (entries.length !== pageSize) return `has ${entries.length} entries`;
  const numbers = new Set<number>();
  for (const [i, entry] of entries.entries()) {
    if (entry.seq !== headSeq - BigInt(pageSize - 1 - i)) return `has seq ${entry.seq} in place ${i}`;
    const body = entry.content.case === 'message' ? entry.content.value.content : undefined;
    const text = Buffer.from(body?.case === 'text' ? body.value : '', 'latin1');
    const k = numberOf(text, 0);
    if (
      text.length !== traffic.blank.length ||
      conversationOf(text, 0) !== conversation ||
      traffic.topology.conversationFor(k) !== conversation ||
      !fillerIntact(text, 0, traffic.blank)
    )
      return `has a text that was not sent: ${text.subarray(0, 30)}`;
    numbers.add(k);
  }
  return numbers.size === pageSize ? undefined : 'has a message twice';
}
