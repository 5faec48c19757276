import type { ByteString } from '../core/byte-string.ts';
import type { Fault } from '../core/fault.ts';
import type { ConvId, MsgId, Seq, UserId } from '../core/ids.ts';
import type { Span } from '../core/span.ts';
import type { Decision } from '../peer/group-frames.ts';
import type { ClientKey, Duplicate } from '../ports/message-store.ts';
import type { ChainRefusals } from './refused-chains.ts';

/** What a command wants to write. */
export type Intent =
  /** `content` is the entry's content as stored; `peer` the other user where the conversation is a direct one. */
  | { readonly t: 'send'; readonly peer: UserId | undefined; readonly content: ByteString }
  | { readonly t: 'recall'; readonly seq: Seq; readonly clientId: string }
  | { readonly t: 'decision'; readonly decision: Decision; readonly clientId: string }
  /** Writes nothing and is refused: the rules are confirmed by it. */
  | { readonly t: 'recheck' };

/** What becomes of a submission; settled exactly once. */
export type Settlement =
  | {
      readonly t: 'committed';
      readonly seq: Seq;
      readonly msgId: MsgId;
      readonly createdAtMs: number;
      /** An earlier command with the same client id made the entry. */
      readonly duplicate: boolean;
    }
  | { readonly t: 'refused'; readonly fault: Fault }
  /** A precondition of the decision no longer holds: decide again. */
  | { readonly t: 'stale' };

/** Orders one sender's sends: see connection/chain.ts. */
export interface ChainLink {
  /** Of the sender's session. */
  readonly refused: ChainRefusals;
  readonly number: number;
}

/** A command that makes entries, on its way through a lane. */
export interface Submission {
  readonly convId: ConvId;
  readonly sender: UserId;
  readonly clientKey: ClientKey | undefined;
  readonly chain: ChainLink | undefined;
  readonly intent: Intent;
  /** What it weighs in the lane's queue. */
  readonly bytes: number;
  readonly settle: (settlement: Settlement) => void;
  /** Of a sampled command: its span, and when it was put into the lane, in milliseconds since 1970. */
  readonly trace?: { readonly span: Span; readonly queuedAtMs: number } | undefined;
  /** What the store said about the client key, once it was asked. */
  known: Duplicate | undefined;
  /** How often it went back for another batch. */
  attempts: number;
}
