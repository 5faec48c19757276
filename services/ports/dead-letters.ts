/** A delivery that was given up. It holds what was to be sent, which says nothing of what a message says. */
export interface DeadLetter {
  /** The webhook-id: the same for the same delivery, 1–64 of `[A-Za-z0-9_-]`. */
  readonly id: string;
  /** The name of the endpoint, 1–64 of `[a-z0-9.-]`. */
  readonly endpoint: string;
  readonly type: string;
  readonly convId: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** When what it tells of happened, in milliseconds since 1970. */
  readonly occurredAtMs: number;
  readonly failedAtMs: number;
  readonly attempts: number;
  /** Why the last attempt failed, for people. */
  readonly reason: string;
  /** The JSON body, as it was to be sent. At most 512 KiB. */
  readonly body: string;
}

/**
 * Deliveries that were given up, kept until somebody has them sent again: a letter may be the last copy of what it tells.
 * So each endpoint has a shelf of its own, and one that fails pushes out nobody else's. There are as many shelves as the
 * configuration has endpoints, at most 16 of webhooks and one for each push service, and those it had before, as far as
 * their letters were not removed. Every method rejects where its engine fails.
 */
export interface DeadLetters {
  /** Letters that went because there were too many. */
  readonly dropped: number;
  /** Keeps a letter durably; one with the same id takes its place. Over the limit the endpoint's oldest go, counted. */
  add(letter: DeadLetter): Promise<void>;
  /** The oldest letters by when they happened, of one endpoint if it is given, at most `limit` (1–10,000). */
  list(limit: number, endpoint?: string): Promise<readonly DeadLetter[]>;
  /** The letters with these ids (1–10,000), ordered as in `list`; ids that no letter has are left out. */
  find(ids: readonly string[]): Promise<readonly DeadLetter[]>;
  /** Removes a letter; one that isn't there is no error. */
  remove(letter: DeadLetter): Promise<void>;
  close(): Promise<void>;
}
