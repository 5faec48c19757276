import { appended } from '../core/appended.ts';
import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { PairSet } from '../core/pair-map.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Hearer, LogEntry } from '../peer/edge-frames.ts';
import type { MemberRow, StoredEntry } from '../ports/message-store.ts';
import type { Audience } from './audience.ts';
import type { TracedEntries } from './batch-trace.ts';
import type { Conversation } from './conversation.ts';
import type { EdgePeer } from './edge-peer.ts';
import type { HotConversations } from './hot-conversations.ts';
import type { PresenceBook } from './presence-book.ts';
import type { RecentCommits } from './recent-commits.ts';
import { settledMs, unsureMs } from './take-over.ts';

type Presence = Pick<PresenceBook, 'edges' | 'isOn' | 'isOnSince'>;

/**
 * Brings committed entries to the edges. An edge is told once who hears of a conversation (its audience) and from then
 * on only what changes; an entry costs one frame an edge, however many members there are.
 *
 * An edge that is still naming its sessions is told of nothing: whoever it names after an entry was sent would never hear
 * of that. What it misses until then is noted, and forwarded as soon as it has named them all (`replay.ts`).
 */
export class FanOut {
  readonly #hot: HotConversations;
  readonly #presence: Presence;
  readonly #incarnation: number;
  readonly #recent: RecentCommits | undefined;
  readonly #clock: Clock;
  readonly #tracer: Tracer | undefined;
  #audiences = 0;

  constructor(parts: {
    hot: HotConversations;
    presence: Presence;
    incarnation: number;
    recent: RecentCommits | undefined;
    clock: Clock;
    tracer?: Tracer | undefined;
  }) {
    this.#tracer = parts.tracer;
    this.#clock = parts.clock;
    this.#hot = parts.hot;
    this.#presence = parts.presence;
    this.#incarnation = parts.incarnation;
    this.#recent = parts.recent;
  }

  /** Entries that were committed, with the member rows that changed in the same commit. */
  forward(
    conversation: Conversation,
    entries: readonly StoredEntry[],
    changed: ReadonlyMap<UserId, MemberRow>,
    traced?: TracedEntries,
  ): void {
    if (conversation.void) return;
    if (!conversation.indexed) this.#hot.index(conversation);
    else
      for (const [userId, row] of changed) if (row.leftSeq === 0) this.#hot.indexMember(conversation, userId);
    const spans = traced === undefined ? undefined : this.#begin(traced);
    const logEntries = entries.map((entry) => {
      const logEntry = toLogEntry(conversation.convId, entry);
      const span = spans?.get(entry.seq);
      return span === undefined ? logEntry : { ...logEntry, trace: span.context };
    });
    const firstSeq = entries[0]?.seq ?? 0;
    this.#recent?.committed(conversation.convId, firstSeq);
    for (const edge of this.#presence.edges) {
      if (!edge.complete) {
        edge.misses(conversation.convId, firstSeq);
        continue;
      }
      const audience = this.#audience(conversation, edge, firstSeq);
      if (!audience.announced)
        this.#includeLeavers(conversation, audience, this.#unheard(conversation, edge));
      if (changed.size > 0) this.#tellChanges(conversation, audience, changed);
      if (audience.users.size > 0) {
        this.#announce(conversation, audience);
        for (const entry of logEntries) this.#send(audience, entry);
      }
      audience.nextSeq = Math.max(audience.nextSeq, (entries.at(-1)?.seq ?? 0) + 1);
      // The edge knows where the range of those who left ends; it needs no further word.
      for (const [userId, row] of changed) if (row.leftSeq > 0) audience.users.delete(userId);
    }
    for (const span of spans?.values() ?? []) span.end();
  }

  #begin(traced: TracedEntries): TracedEntries {
    const attributes = { 'parley.edges': this.#presence.edges.size };
    const spans = new Map<Seq, Span>();
    for (const [seq, { context: parent }] of traced) {
      const span = this.#tracer?.start('fan-out', { kind: 'producer', parent, attributes });
      if (span !== undefined) spans.set(seq, span);
    }
    return spans;
  }

  /**
   * Its former owner may have died before it could forward the last entries: all edges with somebody who hears of it are
   * told where they begin, and ask for what they lack, whether anything comes after it or not.
   */
  takenOver(conversation: Conversation): void {
    const { convId, head, unsure } = conversation;
    for (const edge of this.#presence.edges)
      if (edge.complete) this.audienceFor(conversation, edge);
      else edge.misses(convId, unsure?.fromSeq ?? head.seq + 1);
  }

  /** Rules were read again: edges get their audiences whole, with those who left with an entry from `firstSeq` on. */
  reset(conversation: Conversation, firstSeq: Seq): void {
    conversation.audiences = [];
    if (conversation.void) return;
    for (const edge of this.#presence.edges)
      if (edge.complete) this.#audience(conversation, edge, firstSeq);
      else edge.misses(conversation.convId, firstSeq);
  }

  /** All entries up to their leaving were forwarded, or the edges know where to ask for them. */
  forgetLeavers(conversation: Conversation): void {
    for (const audience of conversation.audiences) {
      if (!audience.leavers) continue;
      audience.leavers = false;
      const { users } = audience;
      for (const userId of users.keys()) if (conversation.present(userId) === undefined) users.delete(userId);
    }
  }

  /** A user has a (further) session on an edge. */
  sessionUp(edge: EdgePeer, userId: UserId): void {
    for (const conversation of this.#hot.withMember(userId)) {
      const audience = conversation.audiences.find((one) => one.edge === edge);
      const row = conversation.present(userId);
      if (audience === undefined || row === undefined) continue;
      audience.users.add(userId);
      if (audience.announced) this.#tell(conversation, audience, [hearer(row)], []);
    }
  }

  /** A user has no session on an edge any more. */
  userGone(edge: EdgePeer, userId: UserId): void {
    for (const conversation of this.#hot.withMember(userId)) {
      const audience = conversation.audiences.find((one) => one.edge === edge);
      if (audience?.users.delete(userId) && audience.announced)
        this.#tell(conversation, audience, [], [userId]);
    }
  }

  edgeGone(edge: EdgePeer): void {
    for (const conversation of this.#hot.values()) {
      if (conversation.audiences.length === 0) continue;
      conversation.audiences = conversation.audiences.filter((audience) => audience.edge !== edge);
    }
  }

  /** The conversation is no longer held, or no longer this node's to tell of: its edges forget it. */
  evicted(conversation: Conversation): void {
    for (const audience of conversation.audiences) {
      if (!audience.announced) continue;
      audience.edge.send({
        t: 'audience',
        audience: audience.no,
        convId: conversation.convId,
        nextSeq: audience.nextSeq,
        whole: true,
        users: [],
        gone: [],
        knownSeq: conversation.head.seq,
      });
    }
    conversation.audiences = [];
  }

  /** Tells an edge an audience whole, to be followed by the entries from `nextSeq` on; it has lost track of it. */
  tellWhole(conversation: Conversation, edge: EdgePeer, nextSeq: Seq): void {
    if (conversation.void) return;
    if (!edge.complete) {
      edge.misses(conversation.convId, nextSeq);
      return;
    }
    const audience = this.#audience(conversation, edge, conversation.head.seq + 1);
    audience.announced = false;
    this.#includeLeavers(conversation, audience, nextSeq);
    this.#announce(conversation, audience, nextSeq);
    // Where nobody hears of it the edge forgets it: no entry may follow.
    if (audience.users.size === 0) audience.announced = false;
  }

  /** Edges may lack entries from here on: those that are not linked now, and those that never heard of them. */
  mayLack(conversation: Conversation, firstSeq: Seq): void {
    this.#recent?.committed(conversation.convId, firstSeq);
    const nowMs = this.#clock.monotonicMs();
    const { unsure } = conversation;
    const known = unsure !== undefined && unsure.untilMs > nowMs ? unsure.fromSeq : firstSeq;
    conversation.unsure = { fromSeq: Math.min(firstSeq, known), sinceMs: nowMs, untilMs: nowMs + unsureMs };
  }

  /** Sends entries to one edge again. */
  repeat(conversation: Conversation, edge: EdgePeer, entries: readonly StoredEntry[]): void {
    const [first] = entries;
    if (first !== undefined) edge.misses(conversation.convId, first.seq);
    // Who hears of it there may be known to have left meanwhile: the edge knows up to where they hear of it.
    const told = conversation.audiences.find((audience) => audience.edge === edge && audience.announced);
    const audience = told ?? this.audienceFor(conversation, edge);
    if (audience === undefined) return;
    for (const entry of entries) this.#send(audience, toLogEntry(conversation.convId, entry));
  }

  /** The audience on an edge, told to it; undefined where nobody there hears of the conversation, as far as it has said. */
  audienceFor(conversation: Conversation, edge: EdgePeer): Audience | undefined {
    if (conversation.void || !edge.complete) return undefined;
    const audience = this.#audience(conversation, edge, conversation.head.seq + 1);
    if (!audience.announced) this.#includeLeavers(conversation, audience, this.#unheard(conversation, edge));
    if (audience.users.size === 0) return undefined;
    this.#announce(conversation, audience);
    return audience;
  }

  #audience(conversation: Conversation, edge: EdgePeer, firstSeq: Seq): Audience {
    for (const audience of conversation.audiences) if (audience.edge === edge) return audience;
    // From now on, who comes and goes there has to reach it.
    if (!conversation.indexed) this.#hot.index(conversation);
    this.#audiences += 1;
    const audience: Audience = {
      no: this.#audiences,
      edge,
      users: new PairSet(),
      announced: false,
      leavers: false,
      nextSeq: firstSeq,
    };
    for (const row of this.#membersOn(conversation, edge))
      if (row.leftSeq === 0) audience.users.add(row.userId);
    // Those who leave with the entries at hand still hear of their leaving.
    this.#includeLeavers(conversation, audience, firstSeq);
    conversation.audiences = appended(conversation.audiences, audience);
    return audience;
  }

  /** Those who left with an entry from `fromSeq` on, of which the edge may not have heard, hear of it with the others. */
  #includeLeavers(conversation: Conversation, audience: Audience, fromSeq: Seq | undefined): void {
    if (audience.announced || fromSeq === undefined || fromSeq > conversation.head.seq) return;
    for (const row of this.#membersOn(conversation, audience.edge)) {
      if (row.leftSeq < fromSeq) continue;
      audience.users.add(row.userId);
      audience.leavers = true;
    }
  }

  #announce(conversation: Conversation, audience: Audience, nextSeq = audience.nextSeq): void {
    if (audience.announced) return;
    audience.announced = true;
    const from = Math.min(nextSeq, this.#unheard(conversation, audience.edge) ?? nextSeq);
    audience.edge.missed.delete(conversation.convId);
    const users: Hearer[] = [];
    for (const userId of audience.users.keys()) {
      const row = conversation.members.get(userId);
      if (row !== undefined) users.push(hearer(row));
    }
    audience.edge.send(
      {
        t: 'audience',
        audience: audience.no,
        convId: conversation.convId,
        nextSeq: from,
        whole: true,
        users,
        gone: [],
        knownSeq: conversation.head.seq,
      },
      64 + 48 * users.length,
    );
  }

  /** From where on an edge may not have heard of a conversation: what is missing from there it asks for. */
  #unheard(conversation: Conversation, edge: EdgePeer): Seq | undefined {
    const missedFrom = edge.missed.get(conversation.convId);
    const unsureFrom = this.#unsureFrom(conversation, edge);
    if (missedFrom === undefined) return unsureFrom;
    return Math.min(missedFrom, unsureFrom ?? missedFrom);
  }

  /** Where nobody hears of it there but who has signed in since, nobody lacks what went before: a storm of them would ask for all of it. */
  #unsureFrom(conversation: Conversation, edge: EdgePeer): Seq | undefined {
    const { unsure } = conversation;
    if (unsure === undefined || unsure.untilMs <= this.#clock.monotonicMs()) return undefined;
    const beforeMs = unsure.sinceMs + settledMs;
    for (const { userId } of this.#membersOn(conversation, edge))
      if (this.#presence.isOnSince(edge, userId, beforeMs)) return unsure.fromSeq;
    return undefined;
  }

  #tellChanges(
    conversation: Conversation,
    audience: Audience,
    changed: ReadonlyMap<UserId, MemberRow>,
  ): void {
    const users: Hearer[] = [];
    for (const [userId, row] of changed) {
      if (!this.#presence.isOn(audience.edge, userId)) continue;
      audience.users.add(userId);
      users.push(hearer(row));
    }
    if (users.length > 0 && audience.announced) this.#tell(conversation, audience, users, []);
  }

  /** The rows of members, former ones too, that have a session on the edge; of some, as often as they have sessions. */
  *#membersOn({ members }: Conversation, edge: EdgePeer): Iterable<MemberRow> {
    const { sessions } = edge;
    if (members.size <= sessions.size) {
      for (const row of members.values()) if (this.#presence.isOn(edge, row.userId)) yield row;
      return;
    }
    for (const { userId } of sessions.values()) {
      const row = members.get(userId);
      if (row !== undefined) yield row;
    }
  }

  #tell(
    conversation: Conversation,
    audience: Audience,
    users: readonly Hearer[],
    gone: readonly UserId[],
  ): void {
    const { convId, head } = conversation;
    const { no, nextSeq } = audience;
    audience.edge.send(
      { t: 'audience', audience: no, convId, nextSeq, whole: false, users, gone, knownSeq: head.seq },
      64 + 48 * (users.length + gone.length),
    );
  }

  #send(audience: Audience, entry: LogEntry): void {
    audience.edge.send(
      { t: 'entry', audience: audience.no, incarnation: this.#incarnation, entry },
      entry.content.length + 160,
    );
  }
}

export function toLogEntry(convId: ConvId, entry: StoredEntry): LogEntry {
  return {
    convId,
    seq: entry.seq,
    msgId: entry.msgId,
    sender: entry.sender,
    createdAtMs: entry.createdAtMs,
    ord: entry.ord,
    revision: entry.revision,
    content: entry.content,
  };
}

function hearer(row: MemberRow): Hearer {
  return { userId: row.userId, firstSeq: row.joinedSeq, lastSeq: row.leftSeq };
}
