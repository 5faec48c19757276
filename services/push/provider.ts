import type { PushTarget, PushTargetKind } from '../ports/push-target.ts';

/** What a device is to show or to know. The same for the same occasion, whichever provider takes it there. */
export interface PushNotice {
  /** Stable: the same for the same notice, however often it is sent. 1–64 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** A later notice with the same key takes this one's place, on its way and on the screen. */
  readonly collapseKey: string;
  /** Absent together with the body where content is hidden: the device then shows words of its own. */
  readonly title?: string;
  /** Shortened, at the end and between characters, to what the provider has room for. */
  readonly body?: string;
  /** Messages that the user has not read, of all conversations; at least 0. */
  readonly badge: number;
  /** For the app: `conv_id`, `seq`, `kind`. At most some hundred bytes; never what a message says. */
  readonly data: Readonly<Record<string, string>>;
  /** How long the provider keeps it for a device that is away, in seconds; 0: now or never. At most four weeks count. */
  readonly ttlSeconds: number;
  /** `high` wakes a device that sleeps. */
  readonly urgency: 'normal' | 'high';
}

/**
 * What became of one attempt. Reasons are for people, metrics and dead letters: a few words, without tokens and content.
 */
export type PushOutcome =
  /** The provider has taken it; whether it gets there nobody says. */
  | { readonly t: 'sent' }
  /**
   * The device is not there any more, or never was: it is to be forgotten, unless it has named this target again after
   * `sinceMs` (milliseconds since 1970), where the provider knows that.
   */
  | { readonly t: 'gone'; readonly reason: string; readonly sinceMs?: number }
  /** Not now. To be tried again, not before `afterMs` where the provider asks for it. */
  | { readonly t: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** Never, however often it is tried, unless somebody mends something. */
  | { readonly t: 'rejected'; readonly reason: string };

/** Takes notices to devices by one service. */
export interface PushProvider<Target extends PushTarget = PushTarget> {
  /** As in metrics and logs. */
  readonly name: PushTargetKind;
  /** Notices that wait for their turn; bounded, beyond that they are told to `retry`. */
  readonly waiting: number;
  /**
   * One attempt, bounded in time by the provider itself. Never rejects: whatever goes wrong is `retry`. So are an
   * aborted signal and a closed provider, and then it may have been sent all the same: the device drops what it has by
   * the notice's id or collapse key.
   */
  send(target: Target, notice: PushNotice, options?: { readonly signal?: AbortSignal }): Promise<PushOutcome>;
  /** Ends what is under way. Idempotent. */
  close(): Promise<void>;
}
