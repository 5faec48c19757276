import type { ConvId } from '../../core/ids.ts';
import type { ConsumeInit, EventConsumer, EventLog, LogEvent } from '../event-log.ts';

/** A log of a test's own, empty at first and started. */
export interface EventLogFixture extends AsyncDisposable {
  /** The log as it is open now. */
  readonly log: EventLog;
  /** Stops the log and opens it again, as a restart does. */
  reopen(): Promise<void>;
}

export type OpenEventLog = () => Promise<EventLogFixture>;

/** How long something that must happen may take before the test is told that it didn't. */
const patienceMs = 30_000;

export function event(convId: string, text: string): LogEvent {
  return { convId: convId as ConvId, value: Buffer.from(text) };
}

/** Events of a conversation with the texts `from` to `to`. */
export function events(convId: string, from: number, to: number): LogEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => event(convId, String(from + i)));
}

/** A consumer that keeps what it is handed. */
export class Heard {
  readonly events: { readonly convId: string; readonly text: string }[] = [];
  #heard = Promise.withResolvers<void>();

  /** Joins a group; `handle` runs after the event was noted. */
  consume(
    log: EventLog,
    init: Partial<Omit<ConsumeInit, 'handle'>> = {},
    handle: (text: string, convId: string) => Promise<void> | void = () => {},
  ): Promise<EventConsumer> {
    return log.consume({
      group: 'test',
      window: 16,
      ...init,
      handle: async ({ convId, value }) => {
        const text = Buffer.from(value).toString();
        this.events.push({ convId, text });
        const { resolve } = this.#heard;
        this.#heard = Promise.withResolvers();
        resolve();
        await handle(text, convId);
      },
    });
  }

  texts(convId: string): string[] {
    return this.events.filter((each) => each.convId === convId).map(({ text }) => text);
  }

  /** The texts of a conversation as they first came. */
  first(convId: string): string[] {
    return [...new Set(this.texts(convId))];
  }

  /** Resolves once this holds, looked at after every event. */
  async until(holds: () => boolean): Promise<void> {
    let late = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      late = true;
      resolve();
    }, patienceMs);
    while (!holds() && !late) await Promise.race([this.#heard.promise, promise]);
    clearTimeout(timer);
    if (late) {
      const last = this.events.slice(-10).map(({ convId, text }) => `${convId}:${text}`);
      throw new Error(`it did not happen; of ${this.events.length} events the last were ${last.join(' ')}`);
    }
  }
}

/** `from` to `to` as texts. */
export function texts(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
}
