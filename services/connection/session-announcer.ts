import type { Clock } from '../core/clock.ts';
import {
  type SessionDirectory,
  DirectoryError,
  type SessionKey,
  type SessionRecord,
} from '../ports/directory.ts';
import type { ConnectionMeters } from './meters.ts';
import type { Session } from './session.ts';
import type { SessionBook } from './session-book.ts';

const lookEveryMs = 1_000;
const atOnce = 500;
/** Sessions announced in one look: a node that comes back to its directory does not crowd it. */
const perLook = 5_000;
/** Ended sessions that wait to be taken out; beyond, the oldest lapse by themselves. */
const endedAtMost = 20_000;

/**
 * Tells the directory which sessions this node has: in bulk, within about a second, and behind. What is to be told
 * stands on the sessions themselves, so there is no queue to fill; a directory that is away is told when it is back.
 */
export class SessionAnnouncer {
  readonly #parts: SessionAnnouncerParts;
  #ended: SessionKey[] = [];
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> | undefined;

  constructor(parts: SessionAnnouncerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), lookEveryMs);
  }

  /** A session has ended. */
  ended(session: Session): void {
    if (session.announceAtMs === 0) return;
    this.#ended.push(this.#keyOf(session));
    if (this.#ended.length <= endedAtMost) return;
    this.#parts.meters.sessionsLapsing += this.#ended.length - endedAtMost / 2;
    this.#ended = this.#ended.slice(-endedAtMost / 2);
  }

  /** Tells what there is to tell; joins a look that is under way. Never rejects. */
  look(): Promise<void> {
    this.#look ??= this.#tell()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#look = undefined;
      });
    return this.#look;
  }

  /** Takes the sessions that have ended out once more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
    await this.look();
  }

  async #tell(): Promise<void> {
    const { directory, sessions, clock } = this.#parts;
    while (this.#ended.length > 0) {
      const some = this.#ended.splice(0, atOnce);
      try {
        await directory.remove(some);
      } catch (error) {
        this.#ended = [...some, ...this.#ended].slice(-endedAtMost);
        throw error;
      }
    }
    const nowMs = clock.monotonicMs();
    const due = sessions
      .all()
      .filter((session) => session.state === 'open' && session.announceAtMs <= nowMs)
      .slice(0, perLook);
    for (let from = 0; from < due.length; from += atOnce) {
      const some = due.slice(from, from + atOnce).filter((session) => session.state === 'open');
      // Set before it is put: whatever becomes of that, an end from here on is to be told.
      for (const session of some) session.announceAtMs = nowMs;
      await directory.put(some.map((session) => this.#recordOf(session)));
      for (const session of some) session.announceAtMs = nowMs + directory.ttlMs / 3;
    }
  }

  #failed(error: unknown): void {
    if (error instanceof DirectoryError) this.#parts.meters.announcementsFailed += 1;
    else this.#parts.onBug(error);
  }

  #keyOf({ userId, no }: Session): SessionKey {
    return { userId, session: no, nodeId: this.#parts.nodeId };
  }

  #recordOf(session: Session): SessionRecord {
    const { clock } = this.#parts;
    const sinceMs = Math.round(clock.wallMs() - clock.monotonicMs() + session.openedAtMs);
    return { ...this.#keyOf(session), deviceId: session.deviceId, sinceMs };
  }
}

export interface SessionAnnouncerParts {
  readonly directory: SessionDirectory;
  readonly sessions: SessionBook;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly meters: ConnectionMeters;
  readonly onBug: (error: unknown) => void;
}
