import { open } from 'node:fs/promises';
import { HandOver } from '../../core/hand-over.ts';
import type { Logger } from '../../core/log.ts';
import type { ConsumeInit, EventConsumer, LogEvent } from '../../ports/event-log.ts';
import { writePosition } from './position-file.ts';
import { recordsOf, type Segment } from './segments.ts';

export interface LocalConsumerInit {
  readonly consume: ConsumeInit;
  /** Where it begins. */
  readonly position: number;
  readonly directory: string;
  readonly log: Logger;
  readonly random: () => number;
  segmentAt(position: number): Segment | undefined;
  end(): number;
  moved(mark: number): void;
  stopped(): void;
}

const retry = { firstMs: 100, maxMs: 30_000 };
/** How often the position is written, when it has moved. */
const noteMs = 500;

/** Reads the log from where its group stands. */
export class LocalConsumer implements EventConsumer {
  readonly #init: LocalConsumerInit;
  readonly #handOver: HandOver<LogEvent>;
  readonly #counts = { handed: 0, failed: 0, skipped: 0 };
  readonly #reading: Promise<void>;
  #appended = Promise.withResolvers<void>();
  #noted: number;
  #noting: Promise<void> = Promise.resolve();
  #noteTimer: NodeJS.Timeout | undefined;
  /** How far the segment that is being read has been handed over. */
  #place = { first: -1, position: 0, bytes: 0 };
  #stopped = false;

  constructor(init: LocalConsumerInit) {
    this.#init = init;
    this.#noted = init.position;
    const { window, handle } = init.consume;
    this.#handOver = new HandOver({
      window,
      mark: init.position,
      retry,
      random: init.random,
      handle: (event: LogEvent) => {
        this.#counts.handed += 1;
        return handle(event);
      },
      failed: (error) => {
        this.#counts.failed += 1;
        const fields = { 'event.action': 'event-failed', 'parley.group': init.consume.group };
        init.log.warn('an event was not handled and is handed over again', fields, error);
      },
      moved: () => this.#moved(),
    });
    this.#reading = this.#read();
  }

  get meters() {
    return { ...this.#counts, lag: Math.max(0, this.#init.end() - this.#handOver.mark) };
  }

  pause(): void {
    this.#handOver.pause();
  }

  resume(): void {
    this.#handOver.resume();
  }

  /** There is more to read. */
  appended(): void {
    this.#appended.resolve();
    this.#appended = Promise.withResolvers();
  }

  async drain(deadlineMs: number): Promise<void> {
    this.#handOver.pause();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#handOver.idle(), deadline]);
    clearTimeout(timer);
    await this.#note();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return this.#reading;
    this.#stopped = true;
    this.#handOver.stop();
    this.appended();
    await this.#reading;
    clearTimeout(this.#noteTimer);
    await this.#note();
    this.#init.stopped();
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      // Asked for before looking: what is appended meanwhile wakes it.
      const { promise } = this.#appended;
      const segment = this.#init.segmentAt(this.#handOver.next);
      try {
        if (segment === undefined) await promise;
        else await this.#readSegment(segment);
      } catch (error) {
        this.#init.log.error('the event log can not be read', { 'event.action': 'event-log-failed' }, error);
        await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 1_000).unref())]);
      }
    }
  }

  /** Hands over what the segment holds now, from the next position on. */
  async #readSegment(segment: Segment): Promise<void> {
    const handOver = this.#handOver;
    if (handOver.next < segment.first) this.#skipTo(segment.first);
    if (this.#place.first !== segment.first) {
      this.#place = { first: segment.first, position: segment.first, bytes: 0 };
    }
    const place = this.#place;
    const end = segment.first + segment.records;
    const file = await open(segment.path, 'r');
    try {
      for await (const { event, length } of recordsOf(file, place.bytes, segment.bytes)) {
        if (place.position >= handOver.next) {
          if (!(await handOver.room())) return;
          handOver.give(place.position, event);
        }
        place.position += 1;
        place.bytes += length;
      }
    } finally {
      await file.close();
    }
    if (place.position < end) this.#skipTo(end);
  }

  /** What is missing was dropped for size, or can't be read any more. */
  #skipTo(position: number): void {
    this.#counts.skipped += position - this.#handOver.next;
    this.#handOver.skipTo(position);
  }

  #moved(): void {
    this.#init.moved(this.#handOver.mark);
    this.#noteTimer ??= setTimeout(() => {
      this.#noteTimer = undefined;
      void this.#note();
    }, noteMs);
  }

  /** Writes where the group stands. What isn't written is handed over again after a crash. */
  #note(): Promise<void> {
    this.#noting = this.#noting.then(async () => {
      const { mark } = this.#handOver;
      if (mark === this.#noted) return;
      const { directory, consume, log } = this.#init;
      try {
        await writePosition(directory, consume.group, mark);
        this.#noted = mark;
      } catch (error) {
        log.warn('the position in the event log was not written', { 'parley.group': consume.group }, error);
      }
    });
    return this.#noting;
  }
}
