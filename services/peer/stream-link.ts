import { Fault } from '../core/fault.ts';
import { ByteQueue } from '../core/queue.ts';
import type { Hello, WithHello } from './hello.ts';
import type { Link, LinkEvents } from './link.ts';

/** Frames are told apart by `t`. */
export interface Tagged {
  readonly t: string;
}

/** How frames of a kind of link are on the wire. */
export interface LinkCodec<Out, In> {
  encode(frames: readonly WithHello<Out>[]): Uint8Array;
  /** Throws for what is no message of this kind. */
  decode(bytes: Uint8Array): readonly WithHello<In>[];
}

/** Whatever carries messages to another node, in order. */
export interface Carrier {
  /** `written` is called once the message has left for the network, so that what gathers meanwhile goes together. */
  write(message: Uint8Array, written: () => void): void;
  /** Ends it: for what the other side is told, and the reason that is known here. */
  hangUp(fault: Fault | undefined, reason: string): void;
}

/** What went over links of one kind, counted up as it happens. */
export interface LinkCounters {
  framesOut: number;
  framesIn: number;
  messagesOut: number;
  bytesOut: number;
  bytesIn: number;
  /** Frames that found the queue full. */
  full: number;
  /** Links that are open now, and those that were and went down. */
  open: number;
  lost: number;
  /** Bytes that wait now, as whoever sends them reckons. */
  queuedBytes: number;
}

export function linkCounters(): LinkCounters {
  return {
    framesOut: 0,
    framesIn: 0,
    messagesOut: 0,
    bytesOut: 0,
    bytesIn: 0,
    full: 0,
    open: 0,
    lost: 0,
    queuedBytes: 0,
  };
}

export interface StreamLinkParts<Out extends Tagged, In extends Tagged> {
  readonly carrier: Carrier;
  readonly codec: LinkCodec<Out, In>;
  readonly counters: LinkCounters;
  /** Bytes that may wait to be written. */
  readonly limitBytes: number;
  /** A message is closed with the frame that brings it to this size. */
  readonly messageBytes?: number | undefined;
  /** How this node introduces itself, asked when it does. */
  readonly hello: () => Hello;
  /** Who calls says hello first; who is called answers once it knows the caller. */
  readonly calls: boolean;
  /** The other node has introduced itself: what becomes of its frames, or a throw that refuses it. */
  readonly opened: (link: Link<Out>, peer: Hello) => LinkEvents<In>;
  /** Told of what was wrong, once, before the link is closed for it. */
  readonly failed: (error: unknown) => void;
}

const usualMessageBytes = 512 * 1024;
/** What weighs more than was reckoned is sent in pieces: the other side takes no more than twice this at once. */
const longMessageBytes = 8 * 1024 * 1024;

/**
 * One end of a link between processes. A turn of the event loop's frames leave as one message, and while one is on its
 * way those that come gather for the next: a quiet link writes at once, a busy one in large messages.
 */
export class StreamLink<Out extends Tagged, In extends Tagged> implements Link<Out> {
  readonly #parts: StreamLinkParts<Out, In>;
  readonly #queue: ByteQueue<{ readonly frame: Out; readonly bytes: number }>;
  #state: 'greeting' | 'open' | 'closed' = 'greeting';
  #events: LinkEvents<In> | undefined;
  #writing = false;
  #scheduled = false;
  /** Encoded, and behind a message that is on its way. */
  #pieces: Uint8Array[] = [];

  constructor(parts: StreamLinkParts<Out, In>) {
    this.#parts = parts;
    this.#queue = new ByteQueue(parts.limitBytes);
    if (parts.calls) this.#greet();
  }

  /** Bytes that wait to be written. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  send(frame: Out, bytes: number): 'queued' | 'full' | 'closed' {
    if (this.#state === 'closed') return 'closed';
    const pushed = this.#queue.push({ frame, bytes }, bytes);
    if (pushed === 'full') this.#parts.counters.full += 1;
    if (pushed === 'queued') {
      this.#parts.counters.queuedBytes += bytes;
      this.#schedule();
    }
    return pushed;
  }

  close(reason: string): void {
    if (this.#state === 'closed') return;
    this.#parts.carrier.hangUp(undefined, reason);
    this.down(reason);
  }

  /** A message has come. What can't be understood closes the link. */
  take(message: Uint8Array): void {
    if (this.#state === 'closed') return;
    const { codec, counters } = this.#parts;
    try {
      const frames = codec.decode(message);
      counters.framesIn += frames.length;
      counters.bytesIn += message.byteLength;
      this.#deliver(frames);
    } catch (error) {
      this.#fail(error instanceof Fault ? error : new Fault('malformedFrame', { cause: error }), error);
    }
  }

  /** The stream is gone. */
  down(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') {
      this.#parts.counters.open -= 1;
      this.#parts.counters.lost += 1;
    }
    this.#state = 'closed';
    this.#queue.close();
    this.#parts.counters.queuedBytes -= this.#queue.bytes;
    this.#queue.drain();
    this.#pieces = [];
    this.#events?.down(reason);
  }

  #deliver(frames: readonly WithHello<In>[]): void {
    let rest = frames;
    if (this.#events === undefined) {
      const first = frames[0];
      if (!isHello(first)) throw new Fault('helloExpected');
      this.#events = this.#parts.opened(this, first.hello);
      if (!this.#parts.calls) this.#greet();
      this.#state = 'open';
      this.#parts.counters.open += 1;
      this.#schedule();
      rest = frames.slice(1);
    }
    if (rest.some(isHello)) throw new Fault('malformedFrame', { message: 'a second hello' });
    if (rest.length > 0) this.#events.frames(rest as readonly In[]);
  }

  /** Gives the link up for something that was wrong. */
  #fail(fault: Fault, error: unknown): void {
    this.#parts.failed(error);
    this.#parts.carrier.hangUp(fault, fault.reason);
    this.down(fault.reason);
  }

  #greet(): void {
    const { carrier, codec, hello } = this.#parts;
    carrier.write(codec.encode([{ t: 'hello', hello: hello() }]), () => {});
  }

  #schedule(): void {
    if (this.#state !== 'open' || this.#scheduled || this.#writing) return;
    if (this.#queue.length === 0 && this.#pieces.length === 0) return;
    this.#scheduled = true;
    // The rest of this turn's frames belong in the same message.
    setImmediate(() => {
      this.#scheduled = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#state !== 'open') return;
    const { carrier, counters } = this.#parts;
    try {
      if (this.#pieces.length === 0) this.#pieces = this.#encoded(this.#gathered());
    } catch (error) {
      // A bug of ours. Frames that are not sent can't be passed over: the link starts over, and nobody else suffers.
      this.#fail(new Fault('internal', { cause: error }), error);
      return;
    }
    const message = this.#pieces.shift();
    if (message === undefined) return;
    counters.messagesOut += 1;
    counters.bytesOut += message.byteLength;
    this.#writing = true;
    carrier.write(message, () => {
      this.#writing = false;
      this.#schedule();
    });
  }

  /** The oldest of what waits, up to the size of a message. */
  #gathered(): Out[] {
    const { messageBytes = usualMessageBytes, counters } = this.#parts;
    const frames: Out[] = [];
    const queuedBefore = this.#queue.bytes;
    for (let bytes = 0; bytes < messageBytes; ) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      frames.push(next.frame);
      bytes += next.bytes;
    }
    counters.queuedBytes -= queuedBefore - this.#queue.bytes;
    counters.framesOut += frames.length;
    return frames;
  }

  /** One message, or several where it would be too long. */
  #encoded(frames: readonly Out[]): Uint8Array[] {
    if (frames.length === 0) return [];
    const message = this.#parts.codec.encode(frames as readonly WithHello<Out>[]);
    if (message.byteLength <= longMessageBytes || frames.length === 1) return [message];
    const middle = frames.length >> 1;
    return [...this.#encoded(frames.slice(0, middle)), ...this.#encoded(frames.slice(middle))];
  }
}

function isHello(frame: Tagged | undefined): frame is { readonly t: 'hello'; readonly hello: Hello } {
  return frame?.t === 'hello';
}
