import type { UserId } from '../core/ids.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import type { AskAcksFrame, Operation, Refusal, Result, SessionAcksFrame } from './edge-frames.ts';

/** What message nodes, and push nodes, ask of message nodes. */

/** Spans that one frame may carry. */
export const maxForwardSpans = 500;

/** caller → message */
export type PeerQuestionFrame =
  /** Have these entries forwarded, as their conversations' owner. At most `maxForwardSpans`. */
  | { readonly t: 'forward'; readonly call: number; readonly spans: readonly OutboxSpan[] }
  | { readonly t: 'askOffline'; readonly call: number; readonly users: readonly UserId[] }
  /** Hands a command on to its conversation's owner; see `handedOn` for which may be. */
  | {
      readonly t: 'command';
      readonly call: number;
      readonly userId: UserId;
      readonly op: Operation;
      /** Of the store, as the caller has it; empty where it does not say. */
      readonly epoch: string;
      /** Of a sampled command; absent for all others. */
      readonly trace?: TraceContext | undefined;
    }
  /** About the sessions of all connection nodes that the message node is linked to. */
  | AskAcksFrame;

/** message → caller */
export type PeerAnswerFrame =
  /** Places, from 0, of the spans that every live edge was sent. */
  | { readonly t: 'forwarded'; readonly call: number; readonly places: readonly number[] }
  | { readonly t: 'offline'; readonly call: number; readonly users: readonly UserId[] }
  | { readonly t: 'reply'; readonly call: number; readonly result: Result }
  | { readonly t: 'refused'; readonly call: number; readonly refusal: Refusal }
  | SessionAcksFrame;
