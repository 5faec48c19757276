import type { UserId } from '../core/ids.ts';
import type { OutboxSpan } from '../ports/outbox.ts';

/** What message nodes, and push nodes, ask of message nodes. */

/** Spans that one frame may carry. */
export const maxForwardSpans = 500;

/** caller → message */
export type PeerQuestionFrame =
  /** Have these entries forwarded, as their conversations' owner. At most `maxForwardSpans`. */
  | { readonly t: 'forward'; readonly call: number; readonly spans: readonly OutboxSpan[] }
  | { readonly t: 'askOffline'; readonly call: number; readonly users: readonly UserId[] };

/** message → caller */
export type PeerAnswerFrame =
  /** Places, from 0, of the spans that every live edge was sent. */
  | { readonly t: 'forwarded'; readonly call: number; readonly places: readonly number[] }
  | { readonly t: 'offline'; readonly call: number; readonly users: readonly UserId[] };
