import type { Command } from '../../gen/parley/chat/v1/session_pb.ts';
import type { Event } from '../../gen/parley/chat/v1/session_pb.ts';

export interface WireHandlers {
  event(event: Event): void;
  /** Called once, also when no connection came about. */
  closed(why: string): void;
}

/** A connection that carries commands and events, by one of the doors. */
export interface Wire {
  /** How far it has come, in words. */
  readonly state: string;
  /** One frame. */
  send(commands: readonly Command[]): void;
  /** Reads nothing more, until `resume`: what comes waits in the network, and then at the server. */
  pause(): void;
  resume(): void;
  close(): void;
}

export type WireKind = 'grpc' | 'ws-proto' | 'ws-json';
