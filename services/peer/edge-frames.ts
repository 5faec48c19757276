import type {
  DeviceOperation as WireDeviceOperation,
  DeviceResult as WireDeviceResult,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { ByteString } from '../core/byte-string.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import type { FaultReason } from '../core/fault.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { ConversationKind, HistoryVisibility, Role } from '../ports/message-store.ts';
import type { SessionAck } from '../ports/session-acks.ts';

/** What connection nodes and message nodes say to each other. */

/** Names a command until it is answered: a safe integer, never given twice on a link. */
export type CallNo = number;
/** A session's number, unique in its connection node's incarnation. */
export type SessionNo = number;
/** Names an audience of one owner's incarnation. */
export type AudienceNo = number;

/** connection → message */
export type EdgeFrame =
  /** A session is open; answered by `registered` once entries committed from then on will reach it. */
  | {
      readonly t: 'sessionUp';
      readonly session: SessionNo;
      readonly userId: UserId;
      readonly deviceId: string;
      /** In a snapshot how long ago it signed in, in milliseconds, 1 at least; 0 for one that signs in now. */
      readonly ageMs: number;
    }
  | { readonly t: 'sessionDown'; readonly session: SessionNo }
  /**
   * The first frame: how long ago the oldest of the sessions that follow was opened, in milliseconds, and what this node was
   * told by `told` last.
   */
  | { readonly t: 'snapshot'; readonly oldestMs: number; readonly told: ToldUntil | undefined }
  /** The sessions that were open when the link was, have been told: what was committed lately is forwarded to them. */
  | { readonly t: 'snapshotEnd' }
  /** Answered by exactly one `reply` or `refused` with the same call number. */
  | {
      readonly t: 'command';
      readonly call: CallNo;
      readonly session: SessionNo;
      readonly userId: UserId;
      readonly op: Operation;
      /** Of a sampled command; absent for all others. */
      readonly trace?: TraceContext | undefined;
    }
  /** What sessions acknowledged. */
  | {
      readonly t: 'delivered';
      readonly items: readonly { readonly convId: ConvId; readonly userId: UserId; readonly seq: Seq }[];
    }
  | { readonly t: 'typing'; readonly convId: ConvId; readonly userId: UserId; readonly active: boolean }
  /** From now on, say how the presence of these users changes; their presence as it is comes at once. */
  | { readonly t: 'watch'; readonly users: readonly UserId[] }
  | { readonly t: 'unwatch'; readonly users: readonly UserId[] }
  /**
   * The entry with this seq named an audience that this node doesn't have: answered by `audience` with `whole`, and by
   * the entries from there on.
   */
  | {
      readonly t: 'audienceUnknown';
      readonly audience: AudienceNo;
      readonly convId: ConvId;
      readonly seq: Seq;
    }
  /** Entries that should have come and did not: they are forwarded again. */
  | { readonly t: 'pull'; readonly convId: ConvId; readonly fromSeq: Seq; readonly toSeq: Seq }
  | SessionAcksFrame;

/** message → connection */
export type OwnerFrame =
  | { readonly t: 'registered'; readonly session: SessionNo }
  /** Another session of the same device signed in later: close this one. */
  | { readonly t: 'superseded'; readonly session: SessionNo }
  /**
   * It may have missed entries while this node was not linked, and which is not known any more: end it, so that its client
   * comes again and syncs.
   */
  | { readonly t: 'stale'; readonly session: SessionNo }
  /** What was committed until then has been sent before; to be said again in the next snapshot. */
  | { readonly t: 'told'; readonly until: ToldUntil }
  | { readonly t: 'reply'; readonly call: CallNo; readonly result: Result }
  | { readonly t: 'refused'; readonly call: CallNo; readonly refusal: Refusal }
  /** Who on this node hears of a conversation. Travels in order with its entries. */
  | AudienceFrame
  | EntryFrame
  | {
      readonly t: 'cursor';
      readonly convId: ConvId;
      readonly userId: UserId;
      readonly deliveredSeq: Seq;
      readonly readSeq: Seq;
      readonly to: readonly UserId[];
    }
  | {
      readonly t: 'receipts';
      readonly audience: AudienceNo;
      readonly convId: ConvId;
      readonly seq: Seq;
      readonly delivered: number;
      readonly read: number;
    }
  | {
      readonly t: 'typing';
      readonly audience: AudienceNo;
      readonly convId: ConvId;
      readonly userId: UserId;
      readonly active: boolean;
    }
  | {
      readonly t: 'presence';
      readonly userId: UserId;
      readonly online: boolean;
      readonly lastSeenAtMs: number;
    }
  /** The store was restored: nothing that this node said before is true, and sessions have to start over. */
  | { readonly t: 'reset'; readonly epoch: string }
  | AskAcksFrame;

/** A time of an owner's run, in whole milliseconds by its monotonic clock. */
export interface ToldUntil {
  readonly incarnation: number;
  readonly atMs: number;
}

/** Asks which sessions of users have acknowledged an entry; about as many users as `maxAskedUsers` at most. */
export interface AskAcksFrame {
  readonly t: 'askSessionAcks';
  readonly call: CallNo;
  readonly convId: ConvId;
  readonly seq: Seq;
  readonly users: readonly UserId[];
}

/** Answers `askSessionAcks`: all sessions that these users have here. */
export interface SessionAcksFrame {
  readonly t: 'sessionAcks';
  readonly call: CallNo;
  readonly sessions: readonly SessionAck[];
}

export interface AudienceFrame {
  readonly t: 'audience';
  readonly audience: AudienceNo;
  readonly convId: ConvId;
  /** The first entry that follows: what was before it was committed before the frame was sent. */
  readonly nextSeq: Seq;
  /** True: these are all; what was known of the audience before is void. False: these were added or have changed. */
  readonly whole: boolean;
  readonly users: readonly Hearer[];
  /** Users to forget: they have no session here any more. */
  readonly gone: readonly UserId[];
  /** The last entry that the owner knew when it said so. */
  readonly knownSeq: Seq;
}

/** A user of an audience: the entries with firstSeq ≤ seq ≤ lastSeq are theirs; lastSeq 0 means no end. */
export interface Hearer {
  readonly userId: UserId;
  readonly firstSeq: Seq;
  readonly lastSeq: Seq;
}

export interface EntryFrame {
  readonly t: 'entry';
  readonly audience: AudienceNo;
  /** The owner's run: an edge drops what one incarnation sent before, and takes again what another sends. */
  readonly incarnation: number;
  readonly entry: LogEntry;
}

/** An entry on its way to clients: the header in plain fields, the content as it is on the wire. */
export interface LogEntry {
  readonly convId: ConvId;
  readonly seq: Seq;
  readonly msgId: MsgId;
  readonly sender: string;
  readonly createdAtMs: number;
  readonly ord: number;
  readonly revision: number;
  /** The fields client_id and content of `parley.chat.v1.Entry`, encoded. */
  readonly content: ByteString;
  /** On links, of an entry that a sampled command has made: absent for all others. */
  readonly trace?: TraceContext | undefined;
}

/** What a user asks of a message node. Who asks stands in the frame around it, never in here. */
export type Operation =
  | SendOperation
  | { readonly t: 'recall'; readonly convId: ConvId; readonly seq: Seq; readonly clientId: string }
  | { readonly t: 'read'; readonly convId: ConvId; readonly seq: Seq }
  /** An acknowledgement that the connection node can't check itself; answered by `read`. */
  | { readonly t: 'ack'; readonly convId: ConvId; readonly seq: Seq }
  | {
      readonly t: 'list';
      readonly convId: ConvId;
      readonly fromSeq: Seq;
      readonly limit: number;
      readonly backward: boolean;
    }
  | { readonly t: 'get'; readonly convId: ConvId; readonly seq: Seq }
  | { readonly t: 'locate'; readonly msgId: MsgId }
  | {
      readonly t: 'sync';
      readonly epoch: string;
      readonly known: readonly KnownConversation[];
      readonly entries: number;
    }
  | { readonly t: 'conversations'; readonly after: ConvId | undefined; readonly limit: number }
  | { readonly t: 'conversation'; readonly convId: ConvId; readonly peer: UserId | undefined }
  | { readonly t: 'group'; readonly groupId: ConvId; readonly clientId: string; readonly change: GroupChange }
  | { readonly t: 'getGroup'; readonly groupId: ConvId }
  | {
      readonly t: 'members';
      readonly groupId: ConvId;
      readonly after: UserId | undefined;
      readonly limit: number;
    }
  | { readonly t: 'presence'; readonly users: readonly UserId[] }
  | { readonly t: 'ids'; readonly count: number }
  /** Answered by `place`: the id for a group that the user creates without naming one, the same for the same client id. */
  | { readonly t: 'groupId'; readonly clientId: string }
  /** The user's devices, and what he wants of them; checked. Answered by `device`. */
  | { readonly t: 'device'; readonly request: DeviceRequest };

/** In the contract's own words: the connection node checks them, and the message node carries them out. */
export type DeviceRequest = Exclude<WireDeviceOperation['request'], { readonly case: undefined }>;
export type DeviceResponse = Exclude<WireDeviceResult['response'], { readonly case: undefined }>;

export interface SendOperation {
  readonly t: 'send';
  readonly convId: ConvId;
  /** The other user, where convId is the direct conversation with them. */
  readonly peer: UserId | undefined;
  readonly clientId: string;
  /** An encoded `parley.chat.v1.MessageBody`, checked. */
  readonly body: Uint8Array;
  /** Order of sends: see `connection/chain.ts`. 0 for unary calls, which promise no order. */
  readonly chain: number;
}

export type GroupChange =
  | {
      readonly t: 'create';
      readonly name: string;
      readonly members: readonly UserId[];
      readonly maxMembers: number;
      readonly history: HistoryVisibility;
    }
  /** Development: creates the group when it isn't there, and joins it. */
  | { readonly t: 'ensure' }
  | { readonly t: 'rename'; readonly name: string }
  | { readonly t: 'add'; readonly users: readonly UserId[] }
  | { readonly t: 'remove'; readonly user: UserId }
  | { readonly t: 'leave' }
  | { readonly t: 'setRole'; readonly user: UserId; readonly role: Role }
  /** Puts a member out as an administrator of the deployment, who need not be one. For edges alone to ask. */
  | { readonly t: 'expel'; readonly user: UserId };

export interface KnownConversation {
  readonly convId: ConvId;
  readonly headSeq: Seq;
  readonly headMsgId: MsgId;
  readonly rev: bigint;
  readonly readSeq: Seq;
  readonly deliveredSeq: Seq;
  readonly peerReadSeq: Seq;
  readonly peerDeliveredSeq: Seq;
}

export type Result =
  | {
      readonly t: 'sent';
      readonly convId: ConvId;
      readonly seq: Seq;
      readonly msgId: MsgId;
      readonly createdAtMs: number;
      readonly duplicate: boolean;
    }
  | { readonly t: 'read'; readonly readSeq: Seq }
  | {
      readonly t: 'page';
      readonly convId: ConvId;
      readonly entries: readonly LogEntry[];
      readonly headSeq: Seq;
      readonly more: boolean;
    }
  | { readonly t: 'place'; readonly convId: ConvId; readonly seq: Seq }
  /** One page of sync or of the list; `next` continues the list. */
  | {
      readonly t: 'conversations';
      readonly conversations: readonly ConversationView[];
      readonly removed: readonly ConvId[];
      readonly next: ConvId | undefined;
    }
  /** seq is 0 when nothing had to change. */
  | { readonly t: 'groupChanged'; readonly seq: Seq; readonly group: GroupView | undefined }
  | { readonly t: 'group'; readonly group: GroupView }
  | { readonly t: 'members'; readonly members: readonly MemberView[]; readonly next: UserId | undefined }
  | {
      readonly t: 'presence';
      readonly users: readonly {
        readonly userId: UserId;
        readonly online: boolean;
        readonly lastSeenAtMs: number;
      }[];
    }
  | { readonly t: 'ids'; readonly ids: readonly MsgId[] }
  | { readonly t: 'device'; readonly response: DeviceResponse };

export interface ConversationView {
  readonly convId: ConvId;
  readonly kind: ConversationKind;
  readonly peer: UserId | undefined;
  /** Of a group; empty for a user who left, as its number of members is 0. */
  readonly name: string;
  readonly role: Role;
  readonly memberCount: number;
  readonly headSeq: Seq;
  readonly headMsgId: MsgId;
  readonly joinedSeq: Seq;
  readonly leftSeq: Seq;
  readonly unread: number;
  readonly readSeq: Seq;
  readonly deliveredSeq: Seq;
  readonly peerReadSeq: Seq;
  readonly peerDeliveredSeq: Seq;
  readonly rev: bigint;
  readonly entries: readonly LogEntry[];
  readonly gapFromSeq: Seq;
  readonly startOver: boolean;
}

export interface GroupView {
  readonly groupId: ConvId;
  readonly name: string;
  readonly owner: string;
  readonly memberCount: number;
  readonly maxMembers: number;
  readonly history: HistoryVisibility;
  readonly version: number;
  readonly role: Role;
}

export interface MemberView {
  readonly userId: UserId;
  readonly role: Role;
  readonly joinedSeq: Seq;
  readonly deliveredSeq: Seq;
  readonly readSeq: Seq;
}

/** A Fault on a link. */
export interface Refusal {
  readonly reason: FaultReason;
  readonly message: string;
  readonly field: string;
  readonly retryAfterMs: number;
}
