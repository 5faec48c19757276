import { type Client, join, nothing, type Traffic } from './client.ts';
import { conversationOf, fillerIntact, numberOf, putHex, putStamp, senderOf, stampBytes } from './stamp.ts';
import { putWsHeader, WsConnection, wsFrame, wsHeaderBytes } from './ws-connection.ts';

const kindJoined = 'J'.charCodeAt(0);
const kindAck = 'A'.charCodeAt(0);
const kindDelivery = 'D'.charCodeAt(0);
const kindPrivate = 'P'.charCodeAt(0);
const kindGroup = 'G'.charCodeAt(0);
const group = 1;

/**
 * Speaks to the bare relay (bench/baselines/ws-relay.ts): `P` or `G`, eight hex digits of the user or group, the text;
 * `D` and the text come in, and `A` with the stamp. Reads whole frames from the byte stream by itself, since each
 * delivery is a frame of its own.
 */
export class RelayClient implements Client {
  readonly #user: number;
  readonly #traffic: Traffic;
  readonly #inGroup: boolean;
  readonly #connection: WsConnection;
  #carry = nothing;
  #joined: (() => void) | undefined;

  constructor(user: number, traffic: Traffic, inGroup: boolean) {
    this.#user = user;
    this.#traffic = traffic;
    this.#inGroup = inGroup;
    this.#connection = new WsConnection(
      { port: traffic.portFor(user), path: `/?u=${user}`, raw: true },
      this,
    );
  }

  async open(): Promise<void> {
    await this.#connection.open();
    if (!this.#inGroup) return;
    const joined = new Promise<void>((resolve) => {
      this.#joined = resolve;
    });
    this.#connection.write(wsFrame(Buffer.from(`J${group.toString(16).padStart(8, '0')}`)));
    await joined;
  }

  send(k: number, conversation: number, side: number): void {
    const { blank, topology } = this.#traffic;
    const length = 9 + blank.length;
    const frame = Buffer.allocUnsafe(wsHeaderBytes(length) + length);
    const at = putWsHeader(frame, length, false);
    frame[at] = this.#inGroup ? kindGroup : kindPrivate;
    putHex(frame, at + 1, 8, this.#inGroup ? group : topology.member(conversation, 1 - side));
    blank.copy(frame, at + 9);
    putStamp(frame, at + 9, this.#user, conversation, k);
    this.#connection.write(frame);
  }

  close(): void {
    this.#connection.destroy();
  }

  ended(why: string): void {
    this.#traffic.ledger.disturbed(`user ${this.#user}: ${why}`);
  }

  payload(chunk: Buffer, chunkStart: number, chunkEnd: number): void {
    const carried = this.#carry.length > 0;
    const buffer = carried ? join(this.#carry, chunk, chunkStart, chunkEnd) : chunk;
    const start = carried ? 0 : chunkStart;
    const end = carried ? buffer.length : chunkEnd;
    const stop = this.#scan(buffer, start, end, performance.now());
    this.#carry = stop < end ? Buffer.from(buffer.subarray(stop, end)) : nothing;
  }

  /** Reads whole frames; returns where the first one begins that is not whole. */
  #scan(buffer: Buffer, start: number, end: number, nowMs: number): number {
    const { reference } = this.#traffic;
    let at = start;
    while (at < end) {
      if (reference !== undefined && !this.#traffic.dropOne) {
        at = reference.match(this.#user, buffer, at, end, nowMs);
        if (at === end) break;
      }
      if (end - at < 2) break;
      const short = (buffer[at + 1] as number) & 0x7f;
      const payload = short < 126 ? at + 2 : at + 4;
      if (payload > end) break;
      const next = payload + (short < 126 ? short : buffer.readUInt16BE(at + 2));
      if (next > end) break;
      this.#frame(buffer, at, payload, next, nowMs);
      at = next;
    }
    return at;
  }

  #frame(buffer: Buffer, start: number, payload: number, end: number, nowMs: number): void {
    const { ledger } = this.#traffic;
    const kind = buffer[payload];
    if (kind === kindDelivery) this.#delivery(buffer, start, payload + 1, end, nowMs);
    else if (kind === kindAck) ledger.acked(numberOf(buffer, payload + 1), 0, nowMs);
    else if (kind === kindJoined) this.#joined?.();
    else ledger.disturbed(`frame of kind ${kind}`);
  }

  #delivery(buffer: Buffer, start: number, text: number, end: number, nowMs: number): void {
    const { ledger, blank, topology, reference } = this.#traffic;
    if (this.#traffic.dropOne) {
      this.#traffic.dropOne = false;
      return;
    }
    const k = numberOf(buffer, text);
    const conversation = conversationOf(buffer, text);
    const sender = topology.member(conversation, ledger.senderSideOf(k));
    if (
      end - text !== blank.length ||
      !fillerIntact(buffer, text, blank) ||
      senderOf(buffer, text) !== sender
    )
      ledger.violations.add('altered', `message ${k}: ${buffer.toString('latin1', text, text + stampBytes)}`);
    else if (reference !== undefined) reference.delivered(this.#user, k, 0, nowMs, { buffer, start, end });
    else ledger.delivered(this.#user, conversation, k, 0, nowMs);
  }
}
