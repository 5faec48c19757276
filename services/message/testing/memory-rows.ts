import type { ConvId, ConvNo, MsgId, Seq, UserId } from '../../core/ids.ts';
import type {
  ConversationSnapshot,
  CursorRow,
  Duplicate,
  EntryPlace,
  GroupRow,
  Head,
  MemberRow,
  Membership,
  StoredEntry,
} from '../../ports/message-store.ts';
import type { OutboxSpan } from '../../ports/outbox.ts';

/** A conversation as the rows have it. */
export interface KeptConversation {
  readonly convNo: ConvNo;
  readonly convId: ConvId;
  readonly kind: ConversationSnapshot['kind'];
  readonly entries: StoredEntry[];
  readonly keys: Map<string, Duplicate>;
  readonly members: Map<UserId, MemberRow>;
  group: GroupRow | undefined;
  projectedSeq: Seq;
}

/** What one commit left of a batch in the outbox. */
interface OutboxPart {
  readonly incarnation: string;
  readonly batchId: bigint;
  readonly createdAtMs: number;
  readonly spans: readonly OutboxSpan[];
}

export interface Lease {
  readonly holder: string;
  readonly reservedUntilMs: number;
}

/** What the stores that are open on the same rows share. */
export interface MemoryRows {
  epoch: string;
  readonly byId: Map<ConvId, KeptConversation>;
  readonly byNo: Map<ConvNo, KeptConversation>;
  readonly places: Map<MsgId, EntryPlace>;
  readonly cursors: Map<ConvNo, Map<UserId, CursorRow>>;
  readonly leases: Map<number, Lease>;
  /** In the order of the commits. */
  outbox: readonly OutboxPart[];
}

const workers = 1_024;
export function newRows(): MemoryRows {
  return {
    epoch: 'epoch',
    byId: new Map(),
    byNo: new Map(),
    places: new Map(),
    cursors: new Map(),
    leases: new Map(),
    outbox: [],
  };
}

/** Rows are never changed in place, so that only what holds them is copied. */
export function copyOf(rows: MemoryRows): MemoryRows {
  const copy = { ...newRows(), epoch: rows.epoch, places: new Map(rows.places), outbox: rows.outbox };
  for (const conversation of rows.byId.values()) {
    const { convId, convNo, entries, keys, members } = conversation;
    const copied = {
      ...conversation,
      entries: [...entries],
      keys: new Map(keys),
      members: new Map(members),
    };
    copy.byId.set(convId, copied);
    copy.byNo.set(convNo, copied);
  }
  for (const [convNo, cursors] of rows.cursors) copy.cursors.set(convNo, new Map(cursors));
  return copy;
}

export function workerOf(leases: ReadonlyMap<number, Lease>, holder: string): number | undefined {
  for (const [worker, lease] of leases) if (lease.holder === holder) return worker;
  return undefined;
}

/** A number that nobody has had, or the one whose reserved time passed first. */
export function freeWorker(leases: ReadonlyMap<number, Lease>, nowMs: number): number | undefined {
  if (leases.size < workers) return leases.size;
  const past = [...leases].filter(([, { reservedUntilMs }]) => reservedUntilMs < nowMs);
  return past.sort(([, one], [, other]) => one.reservedUntilMs - other.reservedUntilMs)[0]?.[0];
}

export function headOf({ entries }: KeptConversation): Head {
  const last = entries.at(-1);
  return { seq: last?.seq ?? 0, ord: last?.ord ?? 0, msgId: last?.msgId ?? 0n };
}

export function membership(
  conversation: KeptConversation,
  userId: UserId,
  cursors: ReadonlyMap<UserId, CursorRow> | undefined,
): Membership {
  const { convNo, convId, kind, group, members } = conversation;
  const others = [...members.keys()].filter((member) => member !== userId);
  const peer = kind === 'direct' ? (others[0] ?? userId) : undefined;
  return {
    convNo,
    convId,
    kind,
    member: members.get(userId) as MemberRow,
    head: headOf(conversation),
    peer,
    cursor: cursors?.get(userId),
    peerCursor: peer === undefined ? undefined : cursors?.get(peer),
    group,
  };
}
