import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SlowSessionSchema } from '../../gen/parley/chat/v1/cluster_pb.ts';
import type { Clock } from '../core/clock.ts';
import type { Session } from './session.ts';

type SlowSession = MessageInitShape<typeof SlowSessionSchema>;

interface Closed {
  readonly session: SlowSession;
  readonly atMs: number;
}

/** Closed ones that are remembered. */
const closedMost = 100;
/** For so long a session may be behind before it is slow: a burst is no trouble. */
const graceMs = 1_000;

/** The sessions that do not keep up, for those who look after them. */
export class SlowSessions {
  readonly #clock: Clock;
  readonly #sessions: () => readonly Session[];
  readonly #nodeId: string;
  #closed: Closed[] = [];

  constructor(parts: {
    readonly clock: Clock;
    readonly sessions: () => readonly Session[];
    readonly nodeId: string;
  }) {
    this.#clock = parts.clock;
    this.#sessions = parts.sessions;
    this.#nodeId = parts.nodeId;
  }

  /** Those that are slow now, the longest first. */
  now(): readonly SlowSession[] {
    return this.#sessions()
      .map((session) => this.#describe(session))
      .filter((slow) => slow !== undefined)
      .sort((one, other) => Number((other.forMs ?? 0n) - (one.forMs ?? 0n)));
  }

  /** Those that were closed for it lately, the latest first. */
  get closed(): readonly SlowSession[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#closed.map(({ session, atMs }) => ({ ...session, forMs: whole(nowMs - atMs) })).reverse();
  }

  /** A session is closed as a slow consumer. */
  close(session: Session): void {
    const described = this.#told(session, 'not_reading');
    this.#closed.push({ session: described, atMs: this.#clock.monotonicMs() });
    if (this.#closed.length > closedMost) this.#closed.shift();
  }

  #describe(session: Session): SlowSession | undefined {
    const sinceMs = session.pausedAtMs > 0 ? session.pausedAtMs : session.overSinceMs;
    if (sinceMs === 0 || session.state !== 'open') return undefined;
    const forMs = this.#clock.monotonicMs() - sinceMs;
    if (forMs < graceMs) return undefined;
    const reason = session.pausedAtMs > 0 ? 'not_reading' : 'over_window';
    return { ...this.#told(session, reason), forMs: whole(forMs) };
  }

  #told({ userId, deviceId, no, info, unackedBytes }: Session, reason: string): SlowSession {
    return {
      userId,
      deviceId,
      nodeId: this.#nodeId,
      session: BigInt(no),
      transport: info.transport,
      reason,
      unackedBytes: whole(unackedBytes),
    };
  }
}

function whole(value: number): bigint {
  return BigInt(Math.max(0, Math.round(value)));
}
