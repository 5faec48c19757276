import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type CommittedEntry,
  type CommittedEvent,
  CommittedEventSchema,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { irregular } from './reader.ts';

/** Entries of one event take about this much, at most; one alone may take more, and is below 320 KiB. */
const splitBytes = 192 * 1024;
/** Of an entry besides sender and users. */
const entryBytes = 48;

/**
 * Events with these entries of a conversation: one, unless they are so many that the record would be large. `entries`
 * are in order of seq.
 */
export function committedEvents(
  convId: string,
  direct: boolean,
  entries: readonly CommittedEntry[],
): CommittedEvent[] {
  const events: CommittedEvent[] = [];
  let part: CommittedEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry);
    if (part.length > 0 && bytes + size > splitBytes) {
      events.push(create(CommittedEventSchema, { convId, direct, entries: part }));
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += size;
  }
  if (part.length > 0) events.push(create(CommittedEventSchema, { convId, direct, entries: part }));
  return events;
}

/** An upper bound: ids have at most 4 bytes a character. */
function sizeOf({ sender, users }: CommittedEntry): number {
  let size = entryBytes + 4 * sender.length;
  for (const user of users) size += 4 + 4 * user.length;
  return size;
}

export function encodeCommittedEvent(event: CommittedEvent): Uint8Array {
  return toBinary(CommittedEventSchema, event);
}

/** Throws where the bytes are no event: they were not written by us, or by a version that we don't know. */
export function decodeCommittedEvent(value: Uint8Array): CommittedEvent {
  const event = fromBinary(CommittedEventSchema, value, { readUnknownFields: false });
  if (event.convId === '' || event.entries.length === 0) throw irregular;
  return event;
}
