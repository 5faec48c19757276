import type { Counter, Meters } from '../core/meters.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../core/door.ts';
import { Fault, toFault } from '../core/fault.ts';
import { type Frame, wholeFrame } from '../core/frame.ts';
import type { Logger } from '../core/log.ts';
import { closeStatus, toStatus } from './faults.ts';
import { peerAddress } from './call-context.ts';
import { type BytesStream, SessionStream, type SessionStreamLimits } from './session-stream.ts';

/** The session streams of the gRPC door, as the connection node sees them. */
export class SessionDoor implements DoorOutlet {
  readonly #inlet: DoorInlet;
  readonly #log: Logger;
  readonly #limits: SessionStreamLimits;
  readonly #refusals: Counter;
  readonly #streams = new Map<number, SessionStream>();
  #lastSession = 0;

  constructor(parts: {
    readonly host: SessionHost;
    readonly log: Logger;
    readonly meters: Meters;
    readonly limits: SessionStreamLimits;
  }) {
    this.#log = parts.log;
    this.#limits = parts.limits;
    this.#inlet = parts.host.attach(this);
    this.#refusals = parts.meters.counter('chat_grpc_refusals_total', '', 'reason');
    parts.meters.gauge('chat_send_queue_bytes', 'Bytes that wait to be sent.', () => {
      let bytes = 0;
      for (const stream of this.#streams.values()) bytes += stream.bytes;
      return [[{ hop: 'grpc' }, bytes]];
    });
  }

  accept(call: BytesStream): void {
    const session = ++this.#lastSession;
    const inlet = this.#inlet;
    const events = {
      paused: () => inlet.paused(session),
      resumed: () => inlet.resumed(session),
      overflow: () => {
        this.#refusals.add(1, 'slowConsumer');
        stream.close(toStatus(new Fault('slowConsumer')));
      },
      gone: () => {
        // After detach they are all gone already.
        if (this.#streams.delete(session)) inlet.closed(session);
      },
    };
    const stream: SessionStream = new SessionStream(call, events, this.#limits);
    this.#streams.set(session, stream);
    inlet.open(session, { remoteAddress: peerAddress(call.getPeer()), transport: 'grpc' });
    call.on('data', (frame: Uint8Array) => {
      if (!stream.open) return;
      try {
        inlet.data(session, frame);
      } catch (error) {
        // One session's trouble must not become everybody's.
        const fault = toFault(error);
        if (fault.reason === 'internal')
          this.#log.error('frame failed', { 'parley.door_session': session }, error);
        stream.close(toStatus(fault));
      }
    });
  }

  deliver(sessions: readonly number[], frame: Frame): void {
    const whole = wholeFrame(frame);
    for (const session of sessions) this.#streams.get(session)?.write(whole);
  }

  close(session: number, code: number, reason: string): void {
    this.#streams.get(session)?.close(closeStatus(code, reason));
  }

  /** Tells the sessions that are left to go elsewhere. */
  endAll(): void {
    const status = toStatus(new Fault('nodeDraining'));
    for (const stream of this.#streams.values()) stream.close(status);
  }

  /** No session is left: the door's tie to the node goes, too. */
  detach(): void {
    this.#streams.clear();
    this.#inlet.detach();
  }
}
