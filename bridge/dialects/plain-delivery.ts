import { fromBinary } from '@bufbuild/protobuf';
import { ConnectResponseSchema, type Event } from '../../gen/parley/chat/v1/session_pb.ts';
import { type Frame, wholeFrame } from '../../services/core/frame.ts';
import type { BridgeSocket } from '../socket.ts';
import type { Delivery } from './dialect.ts';
import { PlainEntry } from './plain-entry.ts';
import type { PlainSession } from './plain-session.ts';

/** One event as plain sessions take it. */
export type PlainEvent =
  | { readonly t: 'entry'; readonly entry: PlainEntry }
  | { readonly t: 'page'; readonly replyTo: number; readonly entries: readonly PlainEntry[] }
  | { readonly t: 'other'; readonly event: Event };

/** A delivered frame, decoded once for all plain sockets. */
export class PlainDelivery implements Delivery {
  readonly #events: readonly PlainEvent[];
  readonly #bytes: number;

  constructor(frame: Frame) {
    this.#bytes = frame.byteLength;
    this.#events = fromBinary(ConnectResponseSchema, wholeFrame(frame)).events.map(plainEvent);
  }

  to(socket: BridgeSocket): void {
    (socket.state as PlainSession).take(this.#events, this.#bytes);
  }
}

function plainEvent(event: Event): PlainEvent {
  const { event: what, replyTo } = event;
  if (what.case === 'entry') return { t: 'entry', entry: new PlainEntry(what.value) };
  if (what.case !== 'entries') return { t: 'other', event };
  return { t: 'page', replyTo, entries: what.value.entries.map((entry) => new PlainEntry(entry)) };
}
