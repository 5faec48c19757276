import type { Clock } from '../../services/core/clock.ts';
import { Fault, toFault } from '../../services/core/fault.ts';
import type { Frame } from '../../services/core/frame.ts';
import type { BridgeSocket } from '../socket.ts';
import type { Delivery, Dialect } from './dialect.ts';
import type { PeerCache } from './peer-cache.ts';
import { PlainDelivery } from './plain-delivery.ts';
import { faultFrame } from './plain-events.ts';
import { readPlainFrame } from './plain-frame.ts';
import { PlainSession } from './plain-session.ts';

const sweepMs = 400;
/** Looks at who is silent once in so many sweeps. */
const sweepsPerProbe = 10;

/**
 * No subprotocol: small JSON objects, for `wscat`, test tools and the simplest page. Nothing of the protocol is asked of
 * the client, so a PlainSession follows it on its behalf.
 */
export class PlainDialect implements Dialect {
  readonly name = 'plain';
  readonly transport = 'ws-plain';
  readonly #peers: PeerCache;
  readonly #clock: Clock;
  readonly #sockets = new Set<BridgeSocket>();
  readonly #timer: NodeJS.Timeout;
  #sweeps = 0;

  constructor(peers: PeerCache, clock: Clock) {
    this.#peers = peers;
    this.#clock = clock;
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
    this.#timer.unref();
  }

  opened(socket: BridgeSocket): void {
    const session = new PlainSession(socket, this.#peers, this.#clock);
    socket.state = session;
    this.#sockets.add(socket);
    socket.on('pong', () => session.pong(this.#clock.monotonicMs()));
  }

  begin(socket: BridgeSocket): void {
    sessionOf(socket).begin();
  }

  receive(socket: BridgeSocket, data: Buffer, isBinary: boolean): void {
    try {
      if (isBinary)
        throw new Fault('unsupportedFrame', { message: 'without a subprotocol frames are text, not binary' });
      sessionOf(socket).receive(readPlainFrame(data.toString('utf8')));
    } catch (error) {
      // A slip in a terminal shouldn't cost the connection.
      socket.warn(toFault(error));
    }
  }

  encode(frame: Frame): Delivery {
    return new PlainDelivery(frame);
  }

  problem(fault: Fault): Buffer {
    return faultFrame(fault);
  }

  closed(socket: BridgeSocket): void {
    this.#sockets.delete(socket);
    sessionOf(socket).close();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    this.#sweeps += 1;
    const probe = this.#sweeps % sweepsPerProbe === 0;
    const nowMs = this.#clock.monotonicMs();
    for (const socket of this.#sockets) {
      const session = sessionOf(socket);
      session.acknowledgeFlushed();
      session.fetchGaps();
      if (probe) session.keepAlive(nowMs);
    }
  }
}

function sessionOf(socket: BridgeSocket): PlainSession {
  return socket.state as PlainSession;
}
