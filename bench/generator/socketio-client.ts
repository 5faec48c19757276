import { type Client, join, nothing, type Traffic, userName } from './client.ts';
import { conversationOf, fillerIntact, numberOf, putStamp, senderOf, stampBytes } from './stamp.ts';
import { putWsHeader, WsConnection, wsFrame, wsHeaderBytes } from './ws-connection.ts';

const group = 'g1';
const quote = '"'.charCodeAt(0);
const zero = '0'.charCodeAt(0);
const bracket = '['.charCodeAt(0);
// Engine.IO packet types, and the Socket.IO ones behind a `4`.
const open = '0'.charCodeAt(0);
const ping = '2'.charCodeAt(0);
const message = '4'.charCodeAt(0);
const connected = '0'.charCodeAt(0);
const event = '2'.charCodeAt(0);
const ackPacket = '3'.charCodeAt(0);
/** Acknowledgement ids from here on belong to pages. */
const firstPageId = 1 << 30;
const failedAck = Buffer.from('"ok":false');
const pong = wsFrame(Buffer.from('3'), true);

/**
 * Speaks Engine.IO 4 and Socket.IO 5 over a bare WebSocket, as far as the baseline server (bench/baselines/
 * socketio-server.ts) needs it. Packets are read in place: the text stands at the end of an event.
 */
export class SocketIoClient implements Client {
  readonly #user: number;
  readonly #traffic: Traffic;
  readonly #inGroup: boolean;
  readonly #connection: WsConnection;
  readonly #head: Buffer;
  #carry = nothing;
  #ready: (() => void) | undefined;

  constructor(user: number, traffic: Traffic, inGroup: boolean) {
    this.#user = user;
    this.#traffic = traffic;
    this.#inGroup = inGroup;
    this.#head = Buffer.from(
      inGroup ? `["group",{"group":"${group}","text":"` : '["private",{"to":"u00000","text":"',
    );
    this.#connection = new WsConnection(
      { port: traffic.portFor(user), path: '/socket.io/?EIO=4&transport=websocket' },
      this,
    );
  }

  async open(): Promise<void> {
    // The server speaks first, perhaps in the same packet as its answer to the upgrade.
    const welcomed = this.#answered(() => {});
    await this.#connection.open();
    await welcomed;
    await this.#answered(() => this.#text(`40{"user":"${userName(this.#user)}"}`));
    if (this.#inGroup) await this.#answered(() => this.#text(`420["join","${group}"]`));
  }

  send(k: number, conversation: number, side: number): void {
    const { blank, topology } = this.#traffic;
    const prefix = `42${k + 1}`;
    const length = prefix.length + this.#head.length + blank.length + 3;
    const frame = Buffer.allocUnsafe(wsHeaderBytes(length) + length);
    let at = putWsHeader(frame, length, true);
    at += frame.write(prefix, at, 'latin1');
    this.#head.copy(frame, at);
    if (!this.#inGroup) frame.write(userName(topology.member(conversation, 1 - side)), at + 18, 'latin1');
    at += this.#head.length;
    blank.copy(frame, at);
    putStamp(frame, at, this.#user, conversation, k);
    frame.write('"}]', at + blank.length, 'latin1');
    this.#connection.write(frame);
  }

  page(k: number, conversation: number, side: number): void {
    const other = userName(this.#traffic.topology.member(conversation, 1 - side));
    this.#text(`42${firstPageId + k}["history",{"with":"${other}"}]`);
  }

  close(): void {
    this.#connection.destroy();
  }

  ended(why: string): void {
    this.#traffic.ledger.disturbed(`user ${this.#user}: ${why}`);
  }

  #text(packet: string): void {
    this.#connection.write(wsFrame(Buffer.from(packet), true));
  }

  #answered(ask: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#ready = resolve;
      ask();
    });
  }

  payload(buffer: Buffer, start: number, end: number, last: boolean): void {
    if (!last) {
      this.#carry = join(this.#carry, buffer, start, end);
    } else if (this.#carry.length > 0) {
      const whole = join(this.#carry, buffer, start, end);
      this.#carry = nothing;
      this.#packet(whole, 0, whole.length);
    } else this.#packet(buffer, start, end);
  }

  #packet(buffer: Buffer, start: number, end: number): void {
    const type = buffer[start];
    if (type === ping) this.#connection.write(pong);
    else if (type === open) this.#settle();
    else if (type === message) this.#message(buffer, start + 1, end);
    else
      this.#traffic.ledger.disturbed(`packet ${buffer.toString('latin1', start, Math.min(end, start + 40))}`);
  }

  #message(buffer: Buffer, start: number, end: number): void {
    const type = buffer[start];
    if (type === event) this.#delivery(buffer, start + 1, end);
    else if (type === ackPacket) this.#ack(buffer, start + 1, end);
    else if (type === connected) this.#settle();
    else
      this.#traffic.ledger.disturbed(
        `message ${buffer.toString('latin1', start, Math.min(end, start + 80))}`,
      );
  }

  #settle(): void {
    const ready = this.#ready;
    this.#ready = undefined;
    ready?.();
  }

  #ack(buffer: Buffer, start: number, end: number): void {
    let id = 0;
    let at = start;
    while (at < end && buffer[at] !== bracket) id = id * 10 + (buffer[at++] as number) - zero;
    if (id >= firstPageId) this.#paged(id - firstPageId, buffer.subarray(at, end));
    else if (id === 0) this.#settle();
    else if (buffer.subarray(at, end).includes(failedAck))
      this.#traffic.ledger.disturbed(buffer.toString('latin1', at, end));
    else this.#traffic.ledger.acked(id - 1, 0, performance.now());
  }

  #paged(k: number, page: Buffer): void {
    const { pages, topology } = this.#traffic;
    const conversation = topology.conversationFor(k);
    pages.answered(k, conversation, page, () => rowsProblem(page, conversation, this.#traffic));
  }

  /** `["private",{"id":…,"from":"u00001","text":"…"}]`: from and text stand at known places before the end. */
  #delivery(buffer: Buffer, _start: number, end: number): void {
    const { ledger, blank, topology } = this.#traffic;
    if (this.#traffic.dropOne) {
      this.#traffic.dropOne = false;
      return;
    }
    const text = end - 3 - blank.length;
    const k = numberOf(buffer, text);
    const conversation = conversationOf(buffer, text);
    const sender = topology.member(conversation, ledger.senderSideOf(k));
    const from = buffer.toString('latin1', text - 16, text - 10);
    const whole =
      buffer[text - 1] === quote && buffer[end - 3] === quote && fillerIntact(buffer, text, blank);
    if (!whole || senderOf(buffer, text) !== sender || from !== userName(sender))
      ledger.violations.add(
        'altered',
        `message ${k}: ${buffer.toString('latin1', text - 16, text + stampBytes)}`,
      );
    else ledger.delivered(this.#user, conversation, k, 0, performance.now());
  }
}

const rowsInPage = 50;

/** What is wrong with a page of rows, newest first; undefined when nothing is. */
function rowsProblem(page: Buffer, conversation: number, { blank, topology }: Traffic): string | undefined {
  const [rows] = JSON.parse(page.toString()) as [{ id: number; body: string }[]];
  if (rows.length !== rowsInPage) return `has ${rows.length} rows`;
  for (const [i, row] of rows.entries()) {
    const text = Buffer.from(row.body, 'latin1');
    if (i > 0 && row.id >= (rows[i - 1]?.id ?? 0)) return `has row ${row.id} in place ${i}`;
    if (
      text.length !== blank.length ||
      conversationOf(text, 0) !== conversation ||
      topology.conversationFor(numberOf(text, 0)) !== conversation ||
      !fillerIntact(text, 0, blank)
    )
      return `has a text that was not sent: ${row.body.slice(0, 30)}`;
  }
  return undefined;
}
