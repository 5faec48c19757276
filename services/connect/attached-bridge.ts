import type { MessageInitShape } from '@bufbuild/protobuf';
import type { BridgeFrame, ConnectionFrameSchema } from '../../gen/parley/node/v1/bridge_pb.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import { type Frame, wholeFrame } from '../core/frame.ts';
import { Outbox } from '../core/outbox.ts';
import { traceBytes, type TraceContext, traceOf } from '../core/trace-context.ts';

type ConnectionFrame = MessageInitShape<typeof ConnectionFrameSchema>;

const limitBytes = 64 * 1024 * 1024;
/** Above this the bridge's sessions are paused … */
const highWaterBytes = 8 * 1024 * 1024;
/** … until less than this waits. */
const lowWaterBytes = 2 * 1024 * 1024;
const batchBytes = 1024 * 1024;
const frameOverheadBytes = 16;

/**
 * One remote bridge, as a door of the connection node. A stream that the bridge does not read fast enough pauses all its
 * sessions; one that it does not read at all is given up.
 */
export class AttachedBridge implements DoorOutlet {
  readonly #inlet: DoorInlet;
  readonly #outbox = new Outbox<ConnectionFrame>({ limitBytes, batchBytes });
  readonly #open = new Set<number>();
  /** Sessions whose own sockets are slow. */
  readonly #slow = new Set<number>();
  #congested = false;

  constructor(sessions: SessionHost) {
    this.#inlet = sessions.attach(this);
  }

  deliver(sessions: readonly number[], frame: Frame, trace?: TraceContext): void {
    const data = wholeFrame(frame);
    const deliver = { case: 'deliver' as const, value: { sessions: [...sessions], data } };
    const traced = trace === undefined ? { frame: deliver } : { frame: deliver, trace: traceBytes(trace) };
    this.#push(traced, data.byteLength + 4 * sessions.length);
  }

  close(session: number, code: number, reason: string): void {
    this.#forget(session);
    this.#push({ frame: { case: 'close', value: { session, code, reason } } }, reason.length);
    // The bridge forgets it, too, and says nothing of it any more.
    this.#inlet.closed(session);
  }

  /** The node lets nobody in any more: the bridge is to attach to another one, and to leave its open sessions here. */
  draining(): void {
    this.#push({ frame: { case: 'draining', value: {} } }, 0);
  }

  /** A frame from the bridge. Throws `malformedFrame` when it can't be. */
  take({ frame, trace }: BridgeFrame): void {
    switch (frame.case) {
      case 'open':
        this.#opened(frame.value.session, frame.value);
        break;
      case 'data':
        // Decoded bytes are views of the whole frame, and the node keeps what it is given.
        if (this.#open.has(frame.value.session))
          this.#inlet.data(frame.value.session, new Uint8Array(frame.value.data), traceOf(trace));
        break;
      case 'closed':
        this.#forget(frame.value.session);
        this.#inlet.closed(frame.value.session);
        break;
      case 'paused':
        this.#setSlow(frame.value.session, true);
        break;
      case 'resumed':
        this.#setSlow(frame.value.session, false);
        break;
      case 'hello':
        throw new Fault('malformedFrame', { message: 'a second hello' });
      default:
        // A newer bridge may say more than this node knows.
        break;
    }
  }

  /** Frames for the bridge, until `detach`. */
  async *batches(): AsyncGenerator<ConnectionFrame[], void> {
    for await (const batch of this.#outbox.batches()) {
      yield batch;
      if (this.#congested && this.#outbox.bytes < lowWaterBytes) this.#setCongested(false);
    }
  }

  /** The stream is at its end, and all its sessions with it. Idempotent. */
  detach(): void {
    if (this.#outbox.closed) return;
    this.#outbox.close();
    this.#inlet.detach();
  }

  #opened(session: number, info: { readonly remoteAddress: string; readonly transport: string }): void {
    if (this.#open.has(session))
      throw new Fault('malformedFrame', { message: `session ${session} is open already` });
    this.#open.add(session);
    this.#inlet.open(session, { remoteAddress: info.remoteAddress, transport: info.transport });
    if (this.#congested && this.#open.has(session)) this.#inlet.paused(session);
  }

  #forget(session: number): void {
    this.#open.delete(session);
    this.#slow.delete(session);
  }

  #setSlow(session: number, slow: boolean): void {
    if (!this.#open.has(session) || this.#slow.has(session) === slow) return;
    if (slow) this.#slow.add(session);
    else this.#slow.delete(session);
    if (!this.#congested) this.#tell(session, slow);
  }

  #setCongested(congested: boolean): void {
    this.#congested = congested;
    for (const session of this.#open) if (!this.#slow.has(session)) this.#tell(session, congested);
  }

  #tell(session: number, paused: boolean): void {
    if (paused) this.#inlet.paused(session);
    else this.#inlet.resumed(session);
  }

  #push(frame: ConnectionFrame, bytes: number): void {
    if (this.#outbox.push(frame, bytes + frameOverheadBytes) === 'full') this.detach();
    else if (!this.#congested && this.#outbox.bytes > highWaterBytes) this.#setCongested(true);
  }
}
