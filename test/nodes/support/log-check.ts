import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { bytesOf } from '../../../services/core/byte-string.ts';
import { EntrySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { StoredEntry } from '../../../services/ports/message-store.ts';
import type { TestSession } from '../../helpers/test-session.ts';

/** Who may speak when, by the log itself: I2 (no gap, no repeat) and I4 (nothing after the rule that forbids it). */
export function checkLog(log: readonly StoredEntry[]): void {
  const present = new Set<string>();
  let ord = 0;
  for (const [at, entry] of log.entries()) {
    assert.equal(entry.seq, at + 1, 'the log has a gap');
    if (entry.kind === 'message') ord += 1;
    assert.equal(entry.ord, ord, `ord of ${entry.seq}`);
    const { content } = fromBinary(EntrySchema, bytesOf(entry.content));
    if (content.case === 'groupCreated') for (const user of content.value.members) present.add(user);
    else assert.ok(present.has(entry.sender), `${entry.seq} by ${entry.sender}, who is not a member`);
    if (content.case === 'membersAdded') {
      for (const user of content.value.users) {
        assert.ok(!present.has(user), `${user} joins twice, at ${entry.seq}`);
        present.add(user);
      }
    }
    if (content.case === 'memberRemoved') {
      assert.ok(
        present.delete(content.value.user),
        `${content.value.user} is removed twice, at ${entry.seq}`,
      );
    }
  }
}

/** The stays of a user: first and last seq; the last one may have no end. */
function stays(log: readonly StoredEntry[], user: string): { readonly first: number; last: number }[] {
  const found: { readonly first: number; last: number }[] = [];
  for (const { seq, content: encoded } of log) {
    const { content } = fromBinary(EntrySchema, bytesOf(encoded));
    const joins =
      (content.case === 'groupCreated' && content.value.members.includes(user)) ||
      (content.case === 'membersAdded' && content.value.users.includes(user));
    if (joins) found.push({ first: seq, last: Number.POSITIVE_INFINITY });
    const stay = found.at(-1);
    if (content.case === 'memberRemoved' && content.value.user === user && stay !== undefined)
      stay.last = seq;
  }
  return found;
}

/**
 * I5: a session that was registered when the log ended at `registered` has heard of every entry of its user up to
 * `upTo`, in order, once, or was told the range to fetch. What lies before a rejoining may be left out: it is hidden, or
 * a hole that the client sees and fetches.
 */
export async function checkReceived(
  { user, session }: { readonly user: string; readonly session: TestSession },
  log: readonly StoredEntry[],
  registered: number,
  upTo: number,
): Promise<void> {
  const own = stays(log, user);
  const isOwn = (seq: number) => own.some(({ first, last }) => seq >= first && seq <= last);
  const last = Math.max(...own.map((stay) => Math.min(stay.last, upTo)));
  await session.when(() => reached(session) >= last);
  let next = registered + 1;
  for (const { event } of session.events) {
    if (event.case === 'gap') next = Math.max(next, Number(event.value.toSeq) + 1);
    if (event.case !== 'entry') continue;
    const seq = Number(event.value.seq);
    assert.ok(seq >= next, `${user} got ${seq} again or too late`);
    assert.ok(isOwn(seq), `${user} got ${seq}, which is not theirs`);
    assert.equal(event.value.msgId, log[seq - 1]?.msgId, `${user} got something else at ${seq}`);
    const rejoining = own.some(({ first }) => first === seq);
    for (; next < seq; next += 1) assert.ok(rejoining || !isOwn(next), `${user} was not told of ${next}`);
    next = seq + 1;
  }
}

function reached(session: TestSession): number {
  let last = 0;
  for (const { event } of session.events) {
    if (event.case === 'entry') last = Math.max(last, Number(event.value.seq));
    if (event.case === 'gap') last = Math.max(last, Number(event.value.toSeq));
  }
  return last;
}
