import { create } from '@bufbuild/protobuf';
import { AckItemSchema, AckSchema, ListSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { Client, Traffic } from '../client.ts';
import { conversationOf, fillerIntact, numberOf, senderOf, stampBytes } from '../stamp.ts';
import type { PayloadSink } from '../ws-connection.ts';
import { commandFrame, numberOfSend, SendTemplate } from './commands.ts';
import type { Directory } from './directory.ts';
import { eventField } from './events.ts';
import { pageProblem, pageSize } from './page.ts';
import { bytesTag, Reader, varintTag } from './reader.ts';
import { errorText, Session } from './session.ts';
import type { Transport } from './transport.ts';

const maxAckItems = 256;
const convIdTag = bytesTag(1);
const seqTag = varintTag(2);
const senderTag = bytesTag(4);
const messageTag = bytesTag(11);
const textTag = bytesTag(2);
const reader = new Reader();

/** Where the parts of the entry stand that was read last. */
const parts = { conv: 0, convEnd: 0, seq: 0, sender: 0, senderEnd: 0, text: 0, textEnd: 0 };

/** A user who sends and receives messages, checks every one, and acknowledges as the server asked in Welcome. */
export class Chatter extends Session implements Client {
  readonly #userNumber: number;
  readonly #traffic: Traffic;
  readonly #directory: Directory;
  #templates: { byId: SendTemplate; byUser: SendTemplate } | undefined;
  #toAck: number[] = [];
  #bytesSinceAck = 0;
  #ackedAtMs = 0;

  constructor(
    user: number,
    traffic: Traffic,
    directory: Directory,
    connect: (sink: PayloadSink) => Transport,
  ) {
    super({ user: (directory.users[user] as Buffer).toString('latin1'), connect });
    this.#userNumber = user;
    this.#traffic = traffic;
    this.#directory = directory;
  }

  send(k: number, conversation: number, side: number): void {
    const { topology, blank } = this.#traffic;
    const { users, conversations, opened } = this.#directory;
    this.#templates ??= {
      byId: new SendTemplate(this.transport, conversations[0] as Buffer, false, blank),
      byUser: new SendTemplate(this.transport, users[0] as Buffer, true, blank),
    };
    const frame =
      opened[conversation] === 1
        ? this.#templates.byId.frame(conversations[conversation] as Buffer, this.#userNumber, conversation, k)
        : this.#templates.byUser.frame(
            users[topology.member(conversation, 1 - side)] as Buffer,
            this.#userNumber,
            conversation,
            k,
          );
    this.write(frame);
  }

  page(k: number, conversation: number): void {
    const { pages } = this.#traffic;
    const convId = (this.#directory.conversations[conversation] as Buffer).toString('latin1');
    const list = create(ListSchema, { convId, limit: pageSize, backward: true });
    const id = this.request({ case: 'list', value: list }, (field, buffer, start, end) => {
      this.answered(id);
      if (field !== eventField.entries) return pages.disturbed(`list: ${errorText(buffer, start, end)}`);
      pages.answered(k, conversation, buffer.subarray(start, end), (page) =>
        pageProblem(page, conversation, this.#traffic),
      );
    });
  }

  override visit(nowMs: number): void {
    if (this.#toAck.length > 0 && nowMs - this.#ackedAtMs >= (this.welcome?.ackIntervalMs ?? 0) * 0.75)
      this.#ack(nowMs);
    super.visit(nowMs);
  }

  #ack(nowMs: number): void {
    const { conversations, received, unacked } = this.#directory;
    for (let i = 0; i < this.#toAck.length; i += maxAckItems) {
      const items = this.#toAck.slice(i, i + maxAckItems).map((slot) => {
        unacked[slot] = 0;
        const conversation = Math.floor(slot / this.#traffic.topology.size);
        const convId = (conversations[conversation] as Buffer).toString('latin1');
        return create(AckItemSchema, { convId, seq: BigInt(received[slot] as number) });
      });
      this.write(commandFrame(this.transport, 0, { case: 'ack', value: create(AckSchema, { items }) }));
    }
    this.#toAck = [];
    this.#bytesSinceAck = 0;
    this.#ackedAtMs = nowMs;
  }

  override payload(buffer: Buffer, start: number, end: number): void {
    this.#bytesSinceAck += end - start;
    super.payload(buffer, start, end);
    if (this.#bytesSinceAck >= (this.welcome?.ackBytes ?? Number.POSITIVE_INFINITY) && this.#toAck.length > 0)
      this.#ack(performance.now());
  }

  glance(buffer: Buffer, start: number, end: number): number {
    const { reference, dropOne } = this.#traffic;
    if (reference === undefined || dropOne) return start;
    const stop = reference.match(this.#userNumber, buffer, start, end, performance.now());
    if (stop > start) this.#note(this.#userNumber, reference.seqOf(this.#userNumber));
    return stop;
  }

  /** All up to seq is here: to be acknowledged. */
  #note(slot: number, seq: number): void {
    const { received, unacked } = this.#directory;
    received[slot] = seq;
    if (unacked[slot] === 1) return;
    unacked[slot] = 1;
    this.#toAck.push(slot);
  }

  protected override sendAnswered(
    field: number,
    id: number,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const { ledger } = this.#traffic;
    const k = numberOfSend(id);
    if (field !== eventField.sent) return ledger.disturbed(`send: ${errorText(buffer, start, end)}`);
    const r = reader.open(buffer, start, end);
    let seq = 0;
    while (r.at < end) {
      const tag = r.varint();
      if (tag === seqTag) seq = r.varint();
      else r.skip(tag);
    }
    const conversation = ledger.conversationOf(k);
    if (conversation >= 0) this.#directory.opened[conversation] = 1;
    ledger.acked(k, seq, performance.now());
  }

  protected override entry(
    buffer: Buffer,
    start: number,
    end: number,
    itemStart: number,
    itemEnd: number,
  ): void {
    readEntry(buffer, start, end);
    if (parts.text === 0) return; // not a message: nothing of ours
    const { ledger, topology, reference } = this.#traffic;
    if (this.#traffic.dropOne) {
      this.#traffic.dropOne = false;
      return;
    }
    const k = numberOf(buffer, parts.text);
    const conversation = conversationOf(buffer, parts.text);
    if (!this.#genuine(buffer, conversation, k)) {
      const text = buffer.toString('latin1', parts.text, parts.text + stampBytes);
      return ledger.violations.add('altered', `message ${k} at ${parts.seq}: ${text}`);
    }
    const nowMs = performance.now();
    const { seq } = parts;
    if (reference !== undefined)
      reference.delivered(this.#userNumber, k, seq, nowMs, { buffer, start: itemStart, end: itemEnd });
    else ledger.delivered(this.#userNumber, conversation, k, seq, nowMs);
    this.#note(conversation * topology.size + topology.side(conversation, this.#userNumber), seq);
  }

  /** Whether the entry's header and text are those that were sent as message k. */
  #genuine(buffer: Buffer, conversation: number, k: number): boolean {
    const { ledger, topology, blank } = this.#traffic;
    const { users, conversations } = this.#directory;
    if (conversation < 0 || conversation >= conversations.length || k < 0) return false;
    const sender = topology.member(conversation, ledger.senderSideOf(k));
    return (
      parts.textEnd - parts.text === blank.length &&
      fillerIntact(buffer, parts.text, blank) &&
      senderOf(buffer, parts.text) === sender &&
      sameBytes(buffer, parts.sender, parts.senderEnd, users[sender]) &&
      sameBytes(buffer, parts.conv, parts.convEnd, conversations[conversation])
    );
  }

  protected override pushed(field: number): void {
    if (field === eventField.gap) this.#traffic.ledger.disturbed('gap');
    else if (field === eventField.draining) this.#traffic.ledger.disturbed('draining');
  }

  override ended(why: string): void {
    super.ended(why);
    this.#traffic.ledger.disturbed(`user ${this.#userNumber}: ${why}`);
  }
}

/** Finds the parts of an Entry. */
function readEntry(buffer: Buffer, start: number, end: number): void {
  parts.seq = parts.text = parts.textEnd = 0;
  const r = reader.open(buffer, start, end);
  while (r.at < end) {
    const tag = r.varint();
    if (tag === convIdTag) {
      const length = r.varint();
      parts.conv = r.at;
      parts.convEnd = r.at += length;
    } else if (tag === seqTag) parts.seq = r.varint();
    else if (tag === senderTag) {
      const length = r.varint();
      parts.sender = r.at;
      parts.senderEnd = r.at += length;
    } else if (tag === messageTag) readText(r);
    else r.skip(tag);
  }
}

/** Finds the text of a MessageBody at the reader, and leaves the reader behind it. */
function readText(r: Reader): void {
  const length = r.varint();
  const end = r.at + length;
  while (r.at < end) {
    const tag = r.varint();
    if (tag === textTag) {
      const textLength = r.varint();
      parts.text = r.at;
      parts.textEnd = r.at += textLength;
    } else r.skip(tag);
  }
}

function sameBytes(buffer: Buffer, start: number, end: number, wanted: Buffer | undefined): boolean {
  if (wanted === undefined || end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (buffer[start + i] !== wanted[i]) return false;
  return true;
}
