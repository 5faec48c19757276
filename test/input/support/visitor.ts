import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CommandSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { TestSession } from '../../helpers/test-session.ts';
import { visitByGrpc } from './grpc-visitor.ts';
import { visitBySocket } from './socket-visitor.ts';

export interface Ports {
  readonly http: number;
  readonly ws: number;
  readonly grpc: number;
}

/** The doors that carry the protocol's own frames. */
export const doors = ['grpc', 'proto', 'json'] as const;
export type Door = (typeof doors)[number];

export type Command = NonNullable<MessageInitShape<typeof CommandSchema>['command']>;

/** Somebody at one of the doors, who need not mean well. */
export interface Visitor extends AsyncDisposable {
  readonly door: Door;
  readonly session: TestSession;
  /** Sends a frame as it is: bytes, or text where the door takes such. */
  tell(frame: Uint8Array | string): void;
}

export function visit(door: Door, ports: Ports): Promise<Visitor> {
  return door === 'grpc' ? Promise.resolve(visitByGrpc(ports.grpc)) : visitBySocket(ports.ws, door);
}

let devices = 0;

export function helloOf(userId: string, token = '') {
  devices += 1;
  const value = { userId, token, deviceId: `device ${devices}`, protocolVersion: 1 };
  return { case: 'hello' as const, value };
}

/** A visitor who has been welcomed. */
export async function signIn(door: Door, ports: Ports, userId: string): Promise<Visitor> {
  const visitor = await visit(door, ports);
  const { event } = await visitor.session.ask(helloOf(userId));
  if (event.case !== 'welcome') throw new Error(`${userId} was not welcome but heard ${event.case}`);
  return visitor;
}
