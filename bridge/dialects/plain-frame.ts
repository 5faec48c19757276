import { Fault } from '../../services/core/fault.ts';
import { parseJson } from '../json-input.ts';

/** Where a plain frame sends to: a conversation, or a user. */
export type PlainTarget = { readonly convId: string } | { readonly to: string };

/** What a plain client can say. */
export type PlainFrame =
  | { readonly t: 'hello'; readonly token: string; readonly userId: string; readonly deviceId: string }
  | {
      readonly t: 'send';
      readonly target: PlainTarget;
      readonly content: string;
      /** The client's own id of this message; empty when it gives none. */
      readonly clientId: string;
      /** Who the frame says wrote it: counts only before the session is signed in. */
      readonly author: string;
    }
  | { readonly t: 'ack'; readonly msgId: bigint };

type Fields = Readonly<Record<string, unknown>>;

/** Reads a text frame. Throws `malformedFrame`, `unknownCommand` or `invalidField`. */
export function readPlainFrame(text: string): PlainFrame {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Fault('malformedFrame', { message: 'a frame is a JSON object with a "type"' });
  const fields = value as Fields;
  switch (fields.type) {
    case 'group':
      return send(fields, { convId: id(fields, 'group_id') }, optionalId(fields, 'user_id'));
    case 'message':
      return send(fields, { convId: id(fields, 'conv_id') }, optionalId(fields, 'sender'));
    case 'private':
      // `user_id` is the receiver here: a private frame says nothing of its author.
      return send(fields, { to: id(fields, fields.to === undefined ? 'user_id' : 'to') }, '');
    case 'ack':
      return { t: 'ack', msgId: messageId(fields) };
    case 'hello':
      return {
        t: 'hello',
        token: optionalText(fields, 'token'),
        userId: optionalId(fields, 'user_id'),
        deviceId: optionalId(fields, 'device_id'),
      };
    default:
      throw new Fault('unknownCommand', {
        message: 'the type is none of group, private, message, ack, hello',
        field: 'type',
      });
  }
}

function send(fields: Fields, target: PlainTarget, author: string): PlainFrame {
  const { content } = fields;
  if (typeof content !== 'string')
    throw new Fault('invalidField', { message: 'content must be a string', field: 'content' });
  return { t: 'send', target, content, clientId: optionalId(fields, 'client_id'), author };
}

/** Numeric ids are taken as their decimal strings. */
function id(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value !== '') return value;
  if (Number.isSafeInteger(value)) return String(value);
  throw new Fault('invalidField', { message: `${name} must be a string or an integer`, field: name });
}

function optionalId(fields: Fields, name: string): string {
  return fields[name] === undefined || fields[name] === null ? '' : id(fields, name);
}

function optionalText(fields: Fields, name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new Fault('invalidField', { message: `${name} must be a string`, field: name });
}

function messageId(fields: Fields): bigint {
  const text = id(fields, 'msg_id');
  const value = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (value > 0n && value < 2n ** 63n) return value;
  throw new Fault('invalidField', { message: 'msg_id must be a decimal number of 63 bits', field: 'msg_id' });
}
