import { create } from '@bufbuild/protobuf';
import { CommandSchema, HelloSchema } from '../gen/parley/chat/v1/session_pb.ts';
import type { BridgeSocket } from './socket.ts';
import { encodeCommand } from '../services/codec/frames.ts';

export const protocolVersion = 1;

/** A frame that signs a socket in by what its handshake, or its first frame, said. */
export function helloFrame(who: {
  readonly token: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly openGroups?: boolean;
}): Uint8Array {
  const value = create(HelloSchema, {
    token: who.token,
    userId: who.token === '' ? who.userId : '',
    deviceId: who.deviceId,
    protocolVersion,
    openGroups: who.token === '' && who.openGroups === true,
  });
  return encodeCommand(create(CommandSchema, { command: { case: 'hello', value } }));
}

/** Signs a socket in by what its handshake said; without that, the client's first command is a hello of its own. */
export function signInByHandshake(socket: BridgeSocket): void {
  const { token, userId, deviceId } = socket.client;
  if (token !== '' || userId !== '') socket.forward(helloFrame({ token, userId, deviceId }));
}
