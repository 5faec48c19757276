import { addressKey } from '../services/core/address-key.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../services/core/door.ts';
import type { Clock } from '../services/core/clock.ts';
import type { Fault } from '../services/core/fault.ts';
import { DoorTraces } from '../services/core/door-traces.ts';
import type { Frame } from '../services/core/frame.ts';
import { TokenBucket } from '../services/core/token-bucket.ts';
import type { TraceContext } from '../services/core/trace-context.ts';
import type { Tracer } from '../services/core/tracer.ts';
import { cutReason } from './close-reason.ts';
import type { Delivery } from './dialects/dialect.ts';
import type { BridgeCounters, DialectName } from './metrics.ts';
import type { BridgeSocket, SocketOwner } from './socket.ts';

/** How long a bridge that stops waits for its clients to say goodbye, too. */
const farewellMs = 500;

type Encoded = Partial<Record<DialectName, Delivery>>;

export interface SocketDoorInit {
  readonly sessions: SessionHost;
  readonly counters: BridgeCounters;
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
  readonly inboundBytes: number;
  readonly clock: Clock;
  readonly tracer?: Tracer | undefined;
}

/** What a frame counts for besides its bytes, so that empty ones count, too. */
const frameOverheadBytes = 64;
/** Frames from this size on are often delivered again, to a session that is alone with what goes before it. */
const worthKeepingBytes = 4 * 1024;
/** How many seconds' bytes may come at once. */
const burstSeconds = 4;

/** Joins the sockets to the connection node: numbers them, passes frames both ways, reports who reads slowly. */
export class SocketDoor implements DoorOutlet, SocketOwner {
  readonly highWaterBytes: number;
  readonly maxUnsentBytes: number;
  readonly #inboundBytes: number;
  readonly #clock: Clock;
  readonly #traces: DoorTraces;
  readonly #counters: BridgeCounters;
  readonly #inlet: DoorInlet;
  readonly #sockets = new Map<number, BridgeSocket>();
  readonly #perAddress = new Map<string, number>();
  #lastSession = 0;
  /** The last long frame, as the dialects encode it. */
  #kept: { readonly frame: Frame | undefined; readonly encoded: Encoded } = {
    frame: undefined,
    encoded: {},
  };

  constructor(init: SocketDoorInit) {
    this.highWaterBytes = init.highWaterBytes;
    this.maxUnsentBytes = init.maxUnsentBytes;
    this.#inboundBytes = init.inboundBytes;
    this.#clock = init.clock;
    this.#traces = new DoorTraces(init.tracer, 'websocket');
    this.#counters = init.counters;
    this.#inlet = init.sessions.attach(this);
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Bytes that sockets have not taken yet. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const socket of this.#sockets.values()) bytes += socket.unsentBytes;
    return bytes;
  }

  /** Sockets of one address, or of an IPv6 address's whole network. */
  sizeOf(address: string): number {
    return this.#perAddress.get(limitKey(address)) ?? 0;
  }

  nextSession(): number {
    this.#lastSession += 1;
    return this.#lastSession;
  }

  /** Takes in an admitted socket. */
  open(socket: BridgeSocket): void {
    const { session, dialect, client } = socket;
    this.#sockets.set(session, socket);
    this.#counters.socketsOpen[dialect.name] += 1;
    this.#counters.socketsOpened[dialect.name] += 1;
    this.#countAddress(client.remoteAddress, 1);
    dialect.opened?.(socket);
    this.#inlet.open(session, { remoteAddress: client.remoteAddress, transport: dialect.transport });
    dialect.begin(socket);
  }

  forward(socket: BridgeSocket, frame: Uint8Array): void {
    const span = this.#traces.received(frame);
    this.#inlet.data(socket.session, ownBuffer(frame), span?.context);
    span?.end();
  }

  received(bytes: number): void {
    this.#counters.framesIn += 1;
    this.#counters.bytesIn += bytes;
  }

  newPace(): TokenBucket {
    return new TokenBucket(this.#inboundBytes, burstSeconds * this.#inboundBytes, this.#clock.monotonicMs());
  }

  toWait(pace: TokenBucket, bytes: number): number {
    const nowMs = this.#clock.monotonicMs();
    pace.spend(nowMs, bytes + frameOverheadBytes);
    const waitMs = pace.debtMs(nowMs);
    if (waitMs > 0) this.#counters.throttled += 1;
    return waitMs;
  }

  wrote(bytes: number): void {
    this.#counters.writes += 1;
    this.#counters.bytesOut += bytes;
  }

  malformed(socket: BridgeSocket, { reason }: Fault): void {
    const { malformedFrames, refusedFrames } = this.#counters;
    malformedFrames[socket.dialect.name] += 1;
    refusedFrames.set(reason, (refusedFrames.get(reason) ?? 0) + 1);
  }

  slow(socket: BridgeSocket): void {
    this.#counters.pauses += 1;
    this.#inlet.paused(socket.session);
  }

  drained(socket: BridgeSocket): void {
    this.#inlet.resumed(socket.session);
  }

  gaveUp(): void {
    this.#counters.slowConsumers += 1;
  }

  deliver(sessions: readonly number[], frame: Frame, trace?: TraceContext): void {
    const span = this.#traces.writing(trace, sessions.length);
    const encoded = this.#encodedBefore(frame);
    for (let i = 0; i < sessions.length; i += 1) {
      const socket = this.#sockets.get(sessions[i] as number);
      if (socket === undefined) continue;
      const { dialect } = socket;
      let delivery = encoded[dialect.name];
      if (delivery === undefined) {
        delivery = dialect.encode(frame);
        encoded[dialect.name] = delivery;
      }
      delivery.to(socket);
    }
    span?.end();
  }

  #encodedBefore(frame: Frame): Encoded {
    if (frame.byteLength < worthKeepingBytes) return {};
    if (this.#kept.frame !== frame) this.#kept = { frame, encoded: {} };
    return this.#kept.encoded;
  }

  close(session: number, code: number, reason: string): void {
    this.#sockets.get(session)?.close(code, cutReason(reason));
  }

  /** Leaves the connection node and closes all sockets with this code; resolves when they are, or after a moment. */
  async detach(code: number, reason: string): Promise<void> {
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    this.#inlet.detach();
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of sockets) {
      this.#forget(socket);
      socket.close(code, reason);
    }
    if (sockets.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, farewellMs);
    });
    await Promise.race([Promise.all(closed), late]);
    clearTimeout(timer);
  }

  closed(socket: BridgeSocket): void {
    if (!this.#sockets.delete(socket.session)) return;
    this.#forget(socket);
    this.#inlet.closed(socket.session);
  }

  #forget(socket: BridgeSocket): void {
    this.#counters.socketsOpen[socket.dialect.name] -= 1;
    this.#countAddress(socket.client.remoteAddress, -1);
    socket.dialect.closed?.(socket);
  }

  #countAddress(address: string, by: number): void {
    const count = this.sizeOf(address) + by;
    if (count === 0) this.#perAddress.delete(limitKey(address));
    else this.#perAddress.set(limitKey(address), count);
  }
}

/** This machine itself is limited, too. */
function limitKey(address: string): string {
  return addressKey(address) ?? address;
}

/** A small view would keep the whole read buffer alive behind it: copy it out. */
function ownBuffer(frame: Uint8Array): Uint8Array {
  return frame.byteLength * 4 >= frame.buffer.byteLength ? frame : new Uint8Array(frame);
}
