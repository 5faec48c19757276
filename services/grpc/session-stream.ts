import type { ServerDuplexStream } from '@grpc/grpc-js';
import { ByteQueue } from '../core/queue.ts';
import { Scope } from '../core/scope.ts';
import type { GrpcStatus } from './faults.ts';
import { readMessages, resetStream, writeMessage } from './interceptor.ts';

export type BytesStream = ServerDuplexStream<Uint8Array, Uint8Array>;

export interface SessionStreamLimits {
  /** Above this many unsent bytes the node is asked to pause … */
  readonly highBytes: number;
  /** … and below this many to go on. */
  readonly lowBytes: number;
  /** What a paused node sends nevertheless ends the stream here. */
  readonly limitBytes: number;
  /** How long a client may take to fetch what was sent before a close. */
  readonly lingerMs: number;
  /** A client that has closed its side gets what still comes, until nothing has come for this long. */
  readonly quietMs: number;
}

export const sessionStreamLimits: SessionStreamLimits = {
  highBytes: 131_072,
  lowBytes: 32_768,
  limitBytes: 4_194_304,
  lingerMs: 5_000,
  quietMs: 1_000,
};

/** Waiting frames go out together, up to this size: far below what clients refuse, far above what a call costs. */
const togetherBytes = 65_536;

export interface SessionStreamEvents {
  paused(): void;
  resumed(): void;
  /** More is unsent than may be. */
  overflow(): void;
  /** The client has sent a message that is too long, and nothing behind it is read. */
  tooLong(): void;
  /** Nothing more will come or go. Called once. */
  gone(): void;
}

/**
 * The writing side of one session. One write is on its way at a time, and what gathers meanwhile goes out as one: frames
 * concatenate to a frame, and a message costs gRPC far more than a byte. So a quiet stream writes at once, a busy one in
 * big pieces, and a stuck one gathers up to a limit.
 */
export class SessionStream {
  readonly #call: BytesStream;
  readonly #events: SessionStreamEvents;
  readonly #limits: SessionStreamLimits;
  readonly #queue: ByteQueue<Uint8Array>;
  readonly #scope = new Scope();
  #state: 'open' | 'closing' | 'gone' = 'open';
  #writing = 0;
  #paused = false;
  #ended = false;
  #end: GrpcStatus | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(call: BytesStream, events: SessionStreamEvents, limits: SessionStreamLimits) {
    this.#call = call;
    this.#events = events;
    this.#limits = limits;
    this.#queue = new ByteQueue(limits.limitBytes);
    // Fires at the end of every stream, however it comes about.
    call.once('cancelled', () => this.#gone());
    call.once('end', () => this.#halfClosed());
  }

  /** Frames from the client, while the stream is open. */
  read(receive: (frame: Uint8Array) => void): void {
    readMessages(this.#call, {
      receive: (frame) => {
        if (this.open) receive(frame);
      },
      tooLong: () => this.#events.tooLong(),
    });
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Bytes that are not written yet. */
  get bytes(): number {
    return this.#queue.bytes + this.#writing;
  }

  write(frame: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#quiet?.refresh();
    if (this.#writing === 0) {
      this.#send(frame);
    } else if (this.#queue.push(frame, frame.byteLength) === 'full') {
      this.#events.overflow();
      return;
    }
    if (!this.#paused && this.bytes > this.#limits.highBytes) {
      this.#paused = true;
      this.#events.paused();
    }
  }

  /** Ends the stream once everything is written; without a status as a success. */
  close(status?: GrpcStatus): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#end = status;
    this.#scope.timeout(this.#limits.lingerMs, () => resetStream(this.#call));
    if (this.#writing === 0) this.#finish();
  }

  #send(frame: Uint8Array): void {
    // An empty message would count as "nothing is being written".
    if (frame.byteLength === 0) return;
    this.#writing = frame.byteLength;
    writeMessage(this.#call, frame, this.#written);
  }

  readonly #written = (): void => {
    this.#writing = 0;
    if (this.#state === 'gone') return;
    const next = this.#together();
    if (next !== undefined) this.#send(next);
    else if (this.#state === 'closing') this.#finish();
    if (this.#paused && this.#state === 'open' && this.bytes < this.#limits.lowBytes) {
      this.#paused = false;
      this.#events.resumed();
    }
  };

  /** The frames that wait, as one; undefined when none does. */
  #together(): Uint8Array | undefined {
    const first = this.#queue.shift();
    if (first === undefined || this.#queue.length === 0) return first;
    const frames = [first];
    let bytes = first.byteLength;
    while (bytes < togetherBytes) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      frames.push(frame);
      bytes += frame.byteLength;
    }
    return frames.length === 1 ? first : Buffer.concat(frames, bytes);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#end === undefined) this.#call.end();
    else this.#call.emit('error', this.#end);
  }

  #halfClosed(): void {
    if (this.#state !== 'open') return;
    this.#quiet = setTimeout(() => this.close(), this.#limits.quietMs);
    this.#scope.add(() => clearTimeout(this.#quiet));
  }

  #gone(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#scope.close();
    this.#queue.drain();
    this.#events.gone();
  }
}
