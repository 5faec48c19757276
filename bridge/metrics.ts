import type { FaultReason } from '../services/core/fault.ts';

/** Why a handshake or a connection was turned away. */
export type RefusalReason =
  | 'originForbidden'
  | 'hostForbidden'
  | 'forwarded'
  | 'halfOpen'
  | 'handshakeTimeout'
  | 'tlsHandshake'
  | 'tooManySockets'
  | 'unsupportedProtocol'
  | 'badRequest'
  | 'headersTooLarge'
  | 'requestTimeout';

export type DialectName = 'proto' | 'json' | 'plain';

/** Plain numbers, counted up as things happen; telemetry reads them when it exports. */
export interface BridgeCounters {
  readonly socketsOpen: Record<DialectName, number>;
  readonly socketsOpened: Record<DialectName, number>;
  readonly refused: Record<RefusalReason, number>;
  readonly malformedFrames: Record<DialectName, number>;
  /** The same by the reason that was told. */
  readonly refusedFrames: Map<FaultReason, number>;
  framesIn: number;
  bytesIn: number;
  /** Socket writes with delivered frames: one a socket and flush. */
  writes: number;
  bytesOut: number;
  /** Sockets paused because they don't read. */
  pauses: number;
  slowConsumers: number;
  /** Sockets that sent more than their rate, and were read no further for a while. */
  throttled: number;
  httpRequests: number;
  httpErrors: number;
}

export function bridgeCounters(): BridgeCounters {
  return {
    socketsOpen: { proto: 0, json: 0, plain: 0 },
    socketsOpened: { proto: 0, json: 0, plain: 0 },
    refused: {
      originForbidden: 0,
      hostForbidden: 0,
      forwarded: 0,
      halfOpen: 0,
      handshakeTimeout: 0,
      tlsHandshake: 0,
      tooManySockets: 0,
      unsupportedProtocol: 0,
      badRequest: 0,
      headersTooLarge: 0,
      requestTimeout: 0,
    },
    malformedFrames: { proto: 0, json: 0, plain: 0 },
    refusedFrames: new Map(),
    framesIn: 0,
    bytesIn: 0,
    writes: 0,
    bytesOut: 0,
    pauses: 0,
    slowConsumers: 0,
    throttled: 0,
    httpRequests: 0,
    httpErrors: 0,
  };
}
