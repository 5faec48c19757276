import { type FileHandle, open } from 'node:fs/promises';
import { ByteQueue } from '../../core/queue.ts';
import type { Logger } from '../../core/log.ts';
import { syncDirectory } from '../../core/sync-files.ts';
import {
  type ConsumeInit,
  type EventConsumer,
  type EventLog,
  EventLogError,
  type LogEvent,
  maxEventBytes,
} from '../../ports/event-log.ts';
import { LocalConsumer } from './local-consumer.ts';
import { readPositions, removePosition } from './position-file.ts';
import { encodeRecord } from './record.ts';
import { createSegment, openSegments, removeSegment, type Segment } from './segments.ts';

export interface LocalEventLogInit {
  /** Of the log alone; made when there is none. */
  readonly directory: string;
  readonly log: Logger;
  readonly random: () => number;
  /** Bytes of all segments together, at most; the oldest go first, read or not. */
  readonly limitBytes: number;
  /** A segment of this size is full. */
  readonly segmentBytes: number;
  /** Bytes of events that wait to be written, at most. */
  readonly queueBytes: number;
  /** The only groups that matter: what others left behind is removed at start. Undefined: all do. */
  readonly groups?: readonly string[];
}

interface Waiting {
  readonly records: Buffer;
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

const writeBytes = 4 * 1024 * 1024;

/**
 * The event log of a single process: segments of records in a directory. What waits is written together and synced once
 * (group commit), so that publishing costs a sync for as many batches as came in during the one before. A consumer that
 * is slow makes the log longer, up to its limit; then the oldest segment goes, counted. Nobody else is held up by it.
 */
export class LocalEventLog implements EventLog {
  readonly name = 'event-log';
  readonly meters = { published: 0, failed: 0, dropped: 0, waitingBytes: 0 };
  readonly #init: LocalEventLogInit;
  readonly #queue: ByteQueue<Waiting>;
  readonly #consumers = new Map<string, LocalConsumer>();
  #positions = new Map<string, number>();
  #segments: Segment[] = [];
  #file: FileHandle | undefined;
  #writing: Promise<void> | undefined;
  #running = false;

  constructor(init: LocalEventLogInit) {
    this.#init = init;
    this.#queue = new ByteQueue(init.queueBytes);
  }

  /** The position after the newest event. */
  get end(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.first + last.records;
  }

  async start(): Promise<void> {
    const { directory, groups } = this.#init;
    this.#segments = await openSegments(directory);
    this.#positions = await readPositions(directory);
    // A position past the end belongs to segments that somebody took away.
    for (const [group, position] of this.#positions) this.#positions.set(group, Math.min(position, this.end));
    if (groups !== undefined) {
      for (const group of [...this.#positions.keys()]) {
        if (groups.includes(group)) continue;
        await removePosition(directory, group);
        this.#positions.delete(group);
      }
      for (const group of groups) if (!this.#positions.has(group)) this.#positions.set(group, 0);
    }
    this.#running = true;
    await this.#trim();
  }

  publish(events: readonly LogEvent[]): Promise<void> {
    if (!this.#running) return Promise.reject(new EventLogError('unavailable', 'the event log is stopped'));
    if (events.length === 0) return Promise.resolve();
    if (events.some(({ value }) => value.byteLength > maxEventBytes)) {
      return Promise.reject(new EventLogError('rejected', `an event is over ${maxEventBytes} bytes`));
    }
    const records = Buffer.concat(events.map(encodeRecord));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { records, count: events.length, resolve, reject };
    if (this.#queue.push(waiting, records.byteLength) !== 'queued') {
      this.meters.failed += 1;
      return Promise.reject(new EventLogError('full', 'too many events wait to be written'));
    }
    this.meters.waitingBytes = this.#queue.bytes;
    this.#writing ??= this.#write();
    return promise;
  }

  async consume(init: ConsumeInit): Promise<EventConsumer> {
    if (!/^[a-z0-9._-]{1,100}$/.test(init.group))
      throw new RangeError(`${init.group} can't be a group's name`);
    if (!this.#running) throw new EventLogError('unavailable', 'the event log is stopped');
    if (this.#consumers.has(init.group)) throw new Error(`somebody consumes as ${init.group} already`);
    const position = this.#positions.get(init.group) ?? 0;
    this.#positions.set(init.group, position);
    const { directory, log, random } = this.#init;
    const consumer = new LocalConsumer({
      consume: init,
      position,
      directory,
      log,
      random,
      segmentAt: (at) => this.#segmentAt(at),
      end: () => this.end,
      moved: (mark) => {
        this.#positions.set(init.group, mark);
        const [oldest] = this.#segments;
        if (oldest !== undefined && mark >= oldest.first + oldest.records) void this.#trim();
      },
      stopped: () => void this.#consumers.delete(init.group),
    });
    this.#consumers.set(init.group, consumer);
    return consumer;
  }

  /** Waits until what was published is written. */
  async drain(): Promise<void> {
    await this.#writing;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#writing;
    for (const consumer of [...this.#consumers.values()]) await consumer.stop();
    await this.#file?.close();
    this.#file = undefined;
  }

  get #bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The segment that holds the position, or else the next one after it. */
  #segmentAt(position: number): Segment | undefined {
    return this.#segments.find(({ first, records }) => position < first + records);
  }

  async #write(): Promise<void> {
    // Whatever is published in this turn of the event loop goes into the first write.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch: Waiting[] = [];
      for (let bytes = 0; bytes < writeBytes; ) {
        const next = this.#queue.shift();
        if (next === undefined) break;
        batch.push(next);
        bytes += next.records.byteLength;
      }
      this.meters.waitingBytes = this.#queue.bytes;
      try {
        await this.#append(batch);
        for (const { count, resolve } of batch) {
          this.meters.published += count;
          resolve();
        }
        for (const consumer of this.#consumers.values()) consumer.appended();
      } catch (error) {
        this.meters.failed += batch.length;
        this.#init.log.error('events were not written', { 'event.action': 'event-log-failed' }, error);
        const failure = new EventLogError('unavailable', 'the event log could not be written', error);
        for (const { reject } of batch) reject(failure);
      }
    }
    // In the same turn as the look at the queue: what comes later begins a run of its own.
    this.#writing = undefined;
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    const { segment, file } = await this.#open();
    const records = Buffer.concat(batch.map((waiting) => waiting.records));
    try {
      for (let at = 0; at < records.byteLength; ) {
        const { bytesWritten } = await file.write(records, at, records.byteLength - at, segment.bytes + at);
        at += bytesWritten;
      }
      await file.datasync();
    } catch (error) {
      // After a failed sync nobody knows what the file holds: it is cut back to what is known to be there.
      this.#file = undefined;
      await file.truncate(segment.bytes).catch(() => {});
      await file.close().catch(() => {});
      throw error;
    }
    segment.bytes += records.byteLength;
    for (const { count } of batch) segment.records += count;
  }

  async #open(): Promise<{ readonly segment: Segment; readonly file: FileHandle }> {
    const { directory, segmentBytes } = this.#init;
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.bytes >= segmentBytes) {
      await this.#file?.close();
      this.#file = undefined;
      segment = await createSegment(directory, this.end);
      this.#segments.push(segment);
      await this.#trim();
    }
    this.#file ??= await open(segment.path, 'r+');
    return { segment, file: this.#file };
  }

  /** Removes what all groups have read and, above the limit, the oldest of the rest; never the newest segment. */
  async #trim(): Promise<void> {
    let removed = 0;
    while (this.#segments.length > 1) {
      const [oldest] = this.#segments as [Segment];
      const end = oldest.first + oldest.records;
      const unread = this.#positions.size === 0 || end > Math.min(...this.#positions.values());
      if (unread && this.#bytes <= this.#init.limitBytes) break;
      if (unread) {
        this.meters.dropped += oldest.records;
        const fields = { 'event.action': 'events-dropped', 'parley.events': oldest.records };
        this.#init.log.error('the event log is over its limit: its oldest events are gone', fields);
      }
      this.#segments.shift();
      removed += 1;
      await removeSegment(oldest).catch((error) => {
        this.#init.log.warn('a segment of the event log can not be removed', {}, error);
      });
    }
    if (removed > 0) await syncDirectory(this.#init.directory).catch(() => {});
  }
}
