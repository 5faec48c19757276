import type { ConvId } from '../core/ids.ts';
import type { Service } from '../core/service.ts';

/** Bytes of one event's value, at most. */
export const maxEventBytes = 512 * 1024;

/** A record of the log: an encoded `parley.node.v1.CommittedEvent`. */
export interface LogEvent {
  /** Events of one conversation stay in order. */
  readonly convId: ConvId;
  /** At most `maxEventBytes`. */
  readonly value: Uint8Array;
}

/**
 * Why events could not be published. `unavailable`: the log can't be reached or written, and some or all of the events
 * may be in it all the same; publish them again, in the same order. `full`: too much waits already; nothing was taken.
 * `rejected`: these events will never be taken.
 */
export type EventLogErrorKind = 'unavailable' | 'full' | 'rejected';

export class EventLogError extends Error {
  readonly kind: EventLogErrorKind;
  constructor(kind: EventLogErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EventLogError';
    this.kind = kind;
  }

  /** Whether the same events may be taken later. */
  get retryable(): boolean {
    return this.kind !== 'rejected';
  }
}

export interface ConsumeInit {
  /** Consumers of one group share the log between them, and where the group stands is kept. 1–100 of `[a-z0-9._-]`. */
  readonly group: string;
  /**
   * Events between the oldest that is not done and the newest handed over, at most (1–100,000); where the log has
   * partitions, of all together that are this consumer's. With 1 an event is handed over when the one before is done.
   */
  readonly window: number;
  /**
   * Called for each event, in order within a conversation, at least once. What it returns resolves when the event is
   * done with, so that it need not be handed over again after a restart. An event for which it rejects is handed over
   * again after a pause, for as long as it takes; the log goes on with others meanwhile, within the window.
   */
  handle(event: LogEvent): Promise<void>;
}

/** What a consumer counts. */
export interface ConsumerMeters {
  /** Events handed over, repeats included. */
  handed: number;
  /** Handlers that rejected. */
  failed: number;
  /** Events that the log had dropped, for age or size, before this group read them. */
  skipped: number;
  /** Events that are in the log and not done with by this group, as last known. */
  lag: number;
}

export interface EventConsumer {
  readonly meters: ConsumerMeters;
  /** Hands over nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Hands over nothing more and resolves when what was handed over is done and noted, or after the deadline. */
  drain(deadlineMs: number): Promise<void>;
  /** Stops at once; what is not done is handed over again by whoever consumes next. Idempotent. */
  stop(): Promise<void>;
}

export interface EventLogMeters {
  /** Events that became durable. */
  published: number;
  /** Publishes that failed, each counted once. */
  failed: number;
  /** Events that went because the log was over its limit, consumed or not. */
  dropped: number;
  /** Bytes that wait to be written. */
  waitingBytes: number;
}

/** What was committed, for those who need not know it at once. */
export interface EventLog extends Service {
  readonly meters: EventLogMeters;
  /**
   * Resolves when the events are durable; rejects with an EventLogError in bounded time. Events of one conversation
   * keep the order in which they were first published, repeats aside; an event that is published again may be in the
   * log twice.
   */
  publish(events: readonly LogEvent[]): Promise<void>;
  /** Joins a group, which begins at the oldest event there is; later where it left off. */
  consume(init: ConsumeInit): Promise<EventConsumer>;
}
