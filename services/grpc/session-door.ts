import { type Counter, type Meters, sendQueueDoc } from '../core/meters.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../core/door.ts';
import { DoorTraces } from '../core/door-traces.ts';
import { Fault, toFault } from '../core/fault.ts';
import { type Frame, wholeFrame } from '../core/frame.ts';
import type { Logger } from '../core/log.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Tracer } from '../core/tracer.ts';
import { closeStatus, toStatus } from './faults.ts';
import { callerAddress } from './call-context.ts';
import { oversized } from './interceptor.ts';
import { type BytesStream, SessionStream, type SessionStreamLimits } from './session-stream.ts';

/** The session streams of the gRPC door, as the connection node sees them. */
export class SessionDoor implements DoorOutlet {
  readonly #inlet: DoorInlet;
  readonly #log: Logger;
  readonly #limits: SessionStreamLimits;
  readonly #traces: DoorTraces;
  readonly #refusals: Counter;
  readonly #trustedProxies: number;
  readonly #streams = new Map<number, SessionStream>();
  #lastSession = 0;

  constructor(parts: {
    readonly host: SessionHost;
    readonly log: Logger;
    readonly meters: Meters;
    readonly limits: SessionStreamLimits;
    readonly tracer?: Tracer | undefined;
    /** Proxies in front that say for whom they call. */
    readonly trustedProxies: number;
  }) {
    this.#log = parts.log;
    this.#trustedProxies = parts.trustedProxies;
    this.#limits = parts.limits;
    this.#traces = new DoorTraces(parts.tracer, 'grpc');
    this.#inlet = parts.host.attach(this);
    this.#refusals = parts.meters.counter('chat_grpc_refusals_total', '', 'reason');
    parts.meters.gauge(
      'chat_send_queue_bytes',
      sendQueueDoc,
      () => {
        let bytes = 0;
        for (const stream of this.#streams.values()) bytes += stream.bytes;
        return [[{ hop: 'grpc' }, bytes]];
      },
      'hop',
    );
  }

  accept(call: BytesStream): void {
    const session = ++this.#lastSession;
    const inlet = this.#inlet;
    const refuse = (fault: Fault): void => {
      this.#refusals.add(1, fault.reason);
      stream.close(toStatus(fault));
    };
    const events = {
      paused: () => inlet.paused(session),
      resumed: () => inlet.resumed(session),
      overflow: () => refuse(new Fault('slowConsumer')),
      tooLong: () => refuse(oversized()),
      gone: () => {
        // After detach they are all gone already.
        if (this.#streams.delete(session)) inlet.closed(session);
      },
    };
    const stream: SessionStream = new SessionStream(call, events, this.#limits);
    this.#streams.set(session, stream);
    const remoteAddress = callerAddress(call, this.#trustedProxies);
    inlet.open(session, { remoteAddress, transport: 'grpc' });
    stream.read((frame) => {
      const span = this.#traces.received(frame);
      try {
        inlet.data(session, frame, span?.context);
      } catch (error) {
        // One session's trouble must not become everybody's.
        const fault = toFault(error);
        if (fault.reason === 'internal')
          this.#log.error('frame failed', { 'parley.door_session': session }, error);
        stream.close(toStatus(fault));
      } finally {
        span?.end();
      }
    });
  }

  deliver(sessions: readonly number[], frame: Frame, trace?: TraceContext): void {
    const span = this.#traces.writing(trace, sessions.length);
    const whole = wholeFrame(frame);
    for (const session of sessions) this.#streams.get(session)?.write(whole);
    span?.end();
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
