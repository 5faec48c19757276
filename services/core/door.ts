import type { Frame } from './frame.ts';
import type { TraceContext } from './trace-context.ts';

/**
 * Where clients come in. A door (the gRPC server, a bridge, the Connect server that remote bridges attach to) carries
 * frames as bytes; the connection node behind it knows what they mean. The same three interfaces serve a door in the
 * same process and one across the network (`parley.node.v1.BridgeService`).
 */

/** What a door tells the connection node. Session numbers are the door's own, never reused by it. */
export interface DoorInlet {
  open(session: number, info: SessionInfo): void;
  /**
   * An encoded `parley.chat.v1.ConnectRequest`. The node may keep views of it: hand over a buffer of its own. With the
   * door's span where the frame is sampled: which are, is for the door to decide.
   */
  data(session: number, frame: Uint8Array, trace?: TraceContext): void;
  /** The client is gone. No call for this session may follow. */
  closed(session: number): void;
  /** The session's buffer is above its high-water mark: the node stops pushing to it until `resumed`. */
  paused(session: number): void;
  resumed(session: number): void;
  /** The door itself is gone, and all its sessions with it. */
  detach(): void;
}

/** What the connection node tells a door. Calls for sessions that are gone are ignored. */
export interface DoorOutlet {
  /**
   * Writes a frame to each session; with the span that brings it where there is a sampled entry in it. (As a property, so
   * that no door can leave out the frames in two parts.)
   */
  readonly deliver: (sessions: readonly number[], frame: Frame, trace?: TraceContext) => void;
  /** Ends a session once what was delivered is written. */
  close(session: number, code: number, reason: string): void;
}

export interface SessionInfo {
  readonly remoteAddress: string;
  /** Label of metrics: `grpc`, `ws-proto`, `ws-json` or `ws-plain`. */
  readonly transport: string;
}

export interface SessionHost {
  attach(outlet: DoorOutlet): DoorInlet;
}

/** Who calls, as far as the door knows; the host decides what it is worth. */
export interface CallContext {
  /** From `authorization: Bearer …`. */
  readonly bearer: string | undefined;
  /** From the header `parley-user`: whom a service acts for; in development, without bearer, who calls. */
  readonly user: string | undefined;
  readonly remoteAddress: string;
  /** The header `traceparent` (W3C) as it came. */
  readonly traceparent?: string | undefined;
}

/** The unary calls, whatever carries them. */
export interface UnaryHost {
  /**
   * Carries out one call. `rpc` is `package.Service/Method`; request and response are the protobuf-es messages of that
   * method. Rejects with a Fault.
   */
  call(rpc: string, request: unknown, context: CallContext): Promise<unknown>;
}
