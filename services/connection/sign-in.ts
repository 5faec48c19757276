import type { Hello } from '../../gen/parley/chat/v1/session_pb.ts';
import { Fault } from '../core/fault.ts';
import type { Authenticator } from './auth.ts';
import * as check from './check.ts';
import type { Session } from './session.ts';

/** Makes a session somebody's, from its hello. Throws a Fault, with which the session ends. */
export async function signIn(session: Session, hello: Hello, auth: Authenticator): Promise<void> {
  if (hello.protocolVersion !== check.limits.version) {
    throw new Fault('unsupportedProtocol', {
      message: `this server speaks version ${check.limits.version} of the protocol`,
      field: 'hello.protocol_version',
    });
  }
  const deviceId = check.deviceId(hello.deviceId, 'hello.device_id');
  const { userId, expiresAtMs, issuedAtMs } = await auth.signIn(hello);
  session.userId = userId;
  session.deviceId = deviceId;
  session.expiresAtMs = expiresAtMs;
  session.issuedAtMs = issuedAtMs;
  session.openGroups = hello.openGroups;
}
