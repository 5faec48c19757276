import { toBinary, create } from '@bufbuild/protobuf';
import { type Command, CommandSchema, ConnectRequestSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import { putHex, putStamp } from '../stamp.ts';
import type { Transport } from './transport.ts';

/** A frame with one command, by the generated code: for what is rare. */
export function commandFrame(transport: Transport, id: number, command: Command['command']): Buffer {
  const request = create(ConnectRequestSchema, { commands: [create(CommandSchema, { id, command })] });
  const payload = toBinary(ConnectRequestSchema, request);
  const frame = Buffer.allocUnsafe(transport.headerBytes(payload.length) + payload.length);
  frame.set(payload, transport.putHeader(frame, payload.length));
  return frame;
}

/** Ids of sends are encoded in four bytes, so that a frame made once has room for every number. */
const firstSendId = 1 << 21;
export const sendId = (k: number): number => firstSendId + k;
export const numberOfSend = (id: number): number => id - firstSendId;
const clientIdDigits = 9;

/**
 * A send as a frame made once, in which only the target, the numbers and the stamp change from message to message:
 * encoding costs a copy.
 */
export class SendTemplate {
  readonly #frame: Buffer;
  readonly #idAt: number;
  readonly #targetAt: number;
  readonly #clientIdAt: number;
  readonly #textAt: number;

  /** For targets of as many bytes as `target` has: a conversation's id, or with `to` a user's. */
  constructor(transport: Transport, target: Uint8Array, to: boolean, blank: Buffer) {
    const placeholder = 'T'.repeat(target.length);
    const clientId = 'C'.repeat(clientIdDigits);
    this.#frame = commandFrame(transport, sendId(0), {
      case: 'send',
      value: {
        $typeName: 'parley.chat.v1.Send',
        target: to ? { case: 'to', value: placeholder } : { case: 'convId', value: placeholder },
        clientId,
        body: create(MessageBodySchema, { content: { case: 'text', value: blank.toString('latin1') } }),
      },
    });
    this.#targetAt = this.#frame.indexOf(placeholder);
    this.#clientIdAt = this.#frame.indexOf(clientId);
    this.#textAt = this.#frame.indexOf(blank);
    this.#idAt = this.#frame.indexOf(Buffer.from([0x08, 0x80, 0x80, 0x80, 0x01])) + 1;
  }

  frame(target: Buffer, sender: number, conversation: number, k: number): Buffer {
    const frame = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copy(frame);
    const id = sendId(k);
    const at = this.#idAt;
    frame[at] = (id & 127) | 128;
    frame[at + 1] = ((id >>> 7) & 127) | 128;
    frame[at + 2] = ((id >>> 14) & 127) | 128;
    frame[at + 3] = id >>> 21;
    target.copy(frame, this.#targetAt);
    putHex(frame, this.#clientIdAt, clientIdDigits, k);
    putStamp(frame, this.#textAt, sender, conversation, k);
    return frame;
  }
}
