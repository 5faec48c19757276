import { decodeCommittedEvent } from '../../services/codec/committed-event.ts';
import type { ConvId, MsgId, Seq } from '../../services/core/ids.ts';
import { type EventLog, EventLogError, type LogEvent } from '../../services/ports/event-log.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';

/** An entry that the log tells of, and in which name a node has published it. */
export interface LoggedEntry {
  readonly by: string;
  readonly convId: ConvId;
  readonly seq: Seq;
  readonly msgId: MsgId;
}

/**
 * The event log of a simulation: takes a while, fails by itself, and can be away. As with a real one, a publish that is
 * refused may have been taken all the same, in part or whole.
 */
export class SimEventLog {
  readonly logged: LoggedEntry[] = [];
  readonly #known = new Set<MsgId>();
  readonly #scheduler: Scheduler;
  readonly #weather: Weather;
  /** It can't be reached before this time. */
  awayUntilMs = 0;

  constructor(parts: { scheduler: Scheduler; weather: Weather }) {
    this.#scheduler = parts.scheduler;
    this.#weather = parts.weather;
  }

  /** As one run of a node has it: with the run, what it waits for is gone. */
  of(actor: Actor, incarnation: () => string): Pick<EventLog, 'publish'> {
    return { publish: (events) => this.#publish(actor, incarnation(), events) };
  }

  /** Whether it has told of an entry. */
  has(msgId: MsgId): boolean {
    return this.#known.has(msgId);
  }

  #publish(actor: Actor, by: string, events: readonly LogEvent[]): Promise<void> {
    const weather = this.#weather;
    const fate = weather.fate('commit');
    return new Promise((resolve, reject) => {
      this.#scheduler.at(actor, weather.linkMs(), () => {
        const isAway = this.#scheduler.nowMs < this.awayUntilMs;
        const taken = isAway ? 0 : fate === 'done' ? events.length : weather.partOf(events.length);
        for (const event of events.slice(0, taken)) this.#take(by, event);
        this.#scheduler.at(actor, weather.linkMs(), () => {
          if (fate === 'done' && !isAway) resolve();
          else reject(new EventLogError('unavailable', 'the log is not reached'));
        });
      });
    });
  }

  #take(by: string, { value }: LogEvent): void {
    const { convId, entries } = decodeCommittedEvent(value);
    for (const { seq, msgId } of entries) {
      this.#known.add(msgId);
      this.logged.push({ by, convId: convId as ConvId, seq: Number(seq), msgId });
    }
  }
}
