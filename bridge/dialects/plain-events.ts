import type { Entry, MessageBody } from '../../gen/parley/chat/v1/entry_pb.ts';
import { type Error as ErrorEvent, Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Kicked, Sent } from '../../gen/parley/chat/v1/session_pb.ts';
import type { Fault } from '../../services/core/fault.ts';
import { directPrefix } from '../../services/core/ids.ts';
import { wsFrame } from '../ws-frame.ts';

/** Everything that a plain socket can be told, as whole WebSocket frames. */

export function isDirect(convId: string): boolean {
  return convId.startsWith(directPrefix);
}

/** A message. `to` is the receiver in a direct conversation; undefined where nobody can say who it is. */
export function messageFrame(entry: Entry, body: MessageBody, to: string | undefined): Buffer {
  const direct = isDirect(entry.convId);
  return frame({
    type: direct ? 'private_message' : 'group_message',
    data: {
      msg_id: entry.msgId.toString(),
      conv_id: entry.convId,
      ...(direct ? { to } : { group_id: entry.convId }),
      user_id: entry.sender,
      ...contentOf(body),
      seq: Number(entry.seq),
      timestamp: Number(entry.createdAtMs) / 1000,
    },
  });
}

function contentOf(body: MessageBody): object {
  const type = body.contentType === '' || body.contentType === 'text/plain' ? undefined : body.contentType;
  if (body.content.case === 'data') {
    const content = Buffer.from(body.content.value).toString('base64');
    return { content, content_type: type ?? 'application/octet-stream', encoding: 'base64' };
  }
  return { content: body.content.value ?? '', content_type: type };
}

/** `client_id` comes back only to those who gave one. */
export function ackFrame(sent: Sent, clientId: string): Buffer {
  return frame({
    type: 'ack',
    msg_id: sent.msgId.toString(),
    seq: Number(sent.seq),
    conv_id: sent.convId,
    client_id: clientId === '' ? undefined : clientId,
  });
}

const retryWords: Record<Retry, string> = {
  [Retry.UNSPECIFIED]: 'never',
  [Retry.NEVER]: 'never',
  [Retry.HERE]: 'here',
  [Retry.ELSEWHERE]: 'elsewhere',
};

export function errorFrame(error: ErrorEvent, clientId: string): Buffer {
  return frame({
    type: 'error',
    reason: error.reason,
    message: error.message,
    retry: retryWords[error.retry],
    retry_after_ms: error.retryAfterMs,
    field: error.field,
    client_id: clientId === '' ? undefined : clientId,
  });
}

export function faultFrame(fault: Fault): Buffer {
  return frame({
    type: 'error',
    reason: fault.reason,
    message: fault.message,
    retry: fault.spec.retry,
    retry_after_ms: fault.retryAfterMs,
    field: fault.field,
  });
}

export function kickedFrame(kicked: Kicked): Buffer {
  return frame({
    type: 'error',
    reason: kicked.reason,
    message: kicked.message,
    retry: kicked.reconnect ? 'elsewhere' : 'never',
    retry_after_ms: 0,
    field: '',
  });
}

function frame(value: object): Buffer {
  return wsFrame('text', Buffer.from(JSON.stringify(value)));
}
