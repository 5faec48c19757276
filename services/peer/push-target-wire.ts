import type { RegisterDeviceRequest } from '../../gen/parley/chat/v1/device_pb.ts';
import { Fault } from '../core/fault.ts';
import type { PushTarget } from '../ports/push-target.ts';

/** A push target as the contract has it. Throws `invalidField` where there is none. */
export function pushTargetOf(target: RegisterDeviceRequest['target']): PushTarget {
  switch (target.case) {
    case 'webPush': {
      const { endpoint, p256dh, auth } = target.value;
      return { t: 'webpush', endpoint, p256dh: base64url(p256dh), auth: base64url(auth) };
    }
    case 'fcm':
      return { t: 'fcm', token: target.value.token };
    case 'apns': {
      const { token, topic, sandbox } = target.value;
      const environment = sandbox ? 'sandbox' : 'production';
      return { t: 'apns', token, ...(topic === '' ? {} : { topic }), environment };
    }
    case undefined:
      throw new Fault('invalidField', { message: 'a push target is needed', field: 'target' });
  }
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
