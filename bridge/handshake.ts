import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Fault } from '../services/core/fault.ts';
import type { Dialect } from './dialects/dialect.ts';
import { protoDialect } from './dialects/proto.ts';

/** What a handshake says about a socket. */
export interface Client {
  readonly dialect: Dialect;
  /** The subprotocol to answer with. */
  readonly protocol: string | undefined;
  /** From `?token=` or the subprotocol `bearer.<jwt>`; empty when there is none. */
  readonly token: string;
  /** From `?user_id=`, for development; empty when there is none. */
  readonly userId: string;
  /** From `?device_id=`, else drawn. */
  readonly deviceId: string;
  readonly remoteAddress: string;
}

const bearerPrefix = 'bearer.';
const dialects = new Map<string, Dialect>([['parley.v1.proto', protoDialect]]);

/** Reads a handshake. Throws `unsupportedProtocol` when the client offers subprotocols and none is known. */
export function readHandshake(request: IncomingMessage, remoteAddress: string): Client {
  const offered = (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const bearer = offered.find((name) => name.startsWith(bearerPrefix));
  const protocol = offered.find((name) => dialects.has(name));
  if (protocol === undefined)
    throw new Fault('unsupportedProtocol', { message: `offer ${[...dialects.keys()].join(' or ')}` });
  const query = queryOf(request.url ?? '/');
  return {
    dialect: dialects.get(protocol) as Dialect,
    protocol,
    token: query.get('token') ?? bearer?.slice(bearerPrefix.length) ?? '',
    userId: query.get('user_id') ?? '',
    deviceId: query.get('device_id') ?? `ws-${randomBytes(9).toString('base64url')}`,
    remoteAddress,
  };
}

function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1));
}
