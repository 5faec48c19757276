import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Fault } from '../services/core/fault.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { Dialects } from './dialects/dialects.ts';
import { queryOf } from './http-types.ts';

/** What a handshake says about a socket. */
export interface Client {
  readonly dialect: Dialect;
  /** The subprotocol to answer with; undefined when none was offered. */
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

/** Reads a handshake. Throws `unsupportedProtocol` when the client asks for subprotocols and none is known. */
export function readHandshake(request: IncomingMessage, remoteAddress: string, dialects: Dialects): Client {
  const offered = (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const bearer = offered.find((name) => name.startsWith(bearerPrefix));
  const named = offered.find((name) => dialects.of(name) !== undefined);
  if (named === undefined && offered.some((name) => name !== bearer))
    throw new Fault('unsupportedProtocol', {
      message: `the subprotocols are ${dialects.protocols.join(', ')}, or none for the plain dialect`,
    });
  const query = queryOf(request.url ?? '/');
  return {
    dialect: (named === undefined ? undefined : dialects.of(named)) ?? dialects.plain,
    // Browsers close a socket whose offer of subprotocols is left unanswered.
    protocol: named ?? bearer,
    token: query.get('token') ?? bearer?.slice(bearerPrefix.length) ?? '',
    userId: query.get('user_id') ?? '',
    deviceId: query.get('device_id') ?? `ws-${randomBytes(9).toString('base64url')}`,
    remoteAddress,
  };
}
