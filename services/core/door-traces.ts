import type { TraceContext } from './trace-context.ts';
import type { Span } from './span.ts';
import type { Tracer } from './tracer.ts';

/** What a door tells of the frames that pass it. It decides which are sampled, since all that follows from them comes in by it. */
export class DoorTraces {
  readonly #tracer: Tracer | undefined;
  readonly #door: string;

  /** `door`: how it is named in traces. */
  constructor(tracer: Tracer | undefined, door: string) {
    this.#tracer = tracer;
    this.#door = door;
  }

  /** A frame has come; undefined for most, of which nothing is told. To be ended once the frame is handed on. */
  received(frame: Uint8Array): Span | undefined {
    if (this.#tracer?.sample() !== true) return undefined;
    const attributes = { 'parley.door': this.#door, 'parley.frame_bytes': frame.byteLength };
    return this.#tracer.start('frame receive', { kind: 'server', attributes });
  }

  /** A frame is to be written to sockets; to be ended once it is in their hands. */
  writing(trace: TraceContext | undefined, sessions: number): Span | undefined {
    if (trace === undefined) return undefined;
    const attributes = { 'parley.door': this.#door, 'parley.sessions': sessions };
    return this.#tracer?.start('frame write', { kind: 'producer', parent: trace, attributes });
  }
}
