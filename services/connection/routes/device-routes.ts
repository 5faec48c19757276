import { create } from '@bufbuild/protobuf';
import {
  type DeviceService,
  type PushSettings,
  PushSettingsSchema,
} from '../../../gen/parley/chat/v1/device_pb.ts';
import { Fault } from '../../core/fault.ts';
import type { DeviceRequest, DeviceResponse } from '../../peer/edge-frames.ts';
import { pushTargetOf } from '../../peer/push-target-wire.ts';
import { pushTargetProblem } from '../../ports/push-target.ts';
import * as check from '../check.ts';
import type { RouteContext, Routes } from './route.ts';

const longestName = 100;
const longestTimeZone = 64;
const minutesADay = 1_440;

export const deviceRoutes: Routes<typeof DeviceService> = {
  getPushInfo(_request, context) {
    return { webPushKey: context.webPushKey };
  },

  registerDevice(request, context) {
    check.deviceId(request.deviceId, 'device_id');
    if ([...request.name].length > longestName)
      throw new Fault('invalidField', { message: `at most ${longestName} characters`, field: 'name' });
    if (!request.name.isWellFormed())
      throw new Fault('invalidField', { message: 'lone surrogates are no text', field: 'name' });
    const problem = pushTargetProblem(pushTargetOf(request.target));
    if (problem !== undefined)
      throw new Fault('invalidField', { message: `the push target's ${problem}`, field: 'target' });
    return asked(context, { case: 'register', value: request });
  },

  listDevices(request, context) {
    return asked(context, { case: 'list', value: request });
  },

  removeDevice(request, context) {
    check.deviceId(request.deviceId, 'device_id');
    return asked(context, { case: 'remove', value: request });
  },

  getPushSettings(request, context) {
    return asked(context, { case: 'getSettings', value: request });
  },

  setPushSettings(request, context) {
    request.settings = checkedSettings(request.settings);
    return asked(context, { case: 'setSettings', value: request });
  },

  silenceConversation(request, context) {
    check.convId(request.convId, 'conv_id');
    checkTime(request.untilMs, 'until_ms');
    return asked(context, { case: 'silence', value: request });
  },
};

type ResponseTo<C extends DeviceRequest['case']> = Extract<DeviceResponse, { readonly case: C }>['value'];

async function asked<C extends DeviceRequest['case']>(
  context: RouteContext,
  request: Extract<DeviceRequest, { readonly case: C }>,
): Promise<ResponseTo<C>> {
  const { response } = await context.ask({ t: 'device', request }, 'device');
  if (response.case !== request.case) throw new Error(`expected ${request.case}, got ${response.case}`);
  return response.value as ResponseTo<C>;
}

function checkedSettings(settings: PushSettings | undefined): PushSettings {
  if (settings === undefined) return create(PushSettingsSchema);
  checkTime(settings.silencedUntilMs, 'settings.silenced_until_ms');
  const { quietHours } = settings;
  if (quietHours === undefined) return settings;
  for (const field of ['fromMinute', 'toMinute'] as const)
    if (quietHours[field] >= minutesADay)
      throw new Fault('invalidField', {
        message: `minutes since midnight: 0 to ${minutesADay - 1}`,
        field: `settings.quiet_hours.${field === 'fromMinute' ? 'from_minute' : 'to_minute'}`,
      });
  if (!isTimeZone(quietHours.timeZone))
    throw new Fault('invalidField', {
      message: 'an IANA time zone is needed, like Europe/Berlin',
      field: 'settings.quiet_hours.time_zone',
    });
  return settings;
}

function checkTime(ms: bigint, field: string): void {
  if (ms >= 0n && ms <= BigInt(Number.MAX_SAFE_INTEGER)) return;
  throw new Fault('invalidField', { message: 'a time is 0 to 2^53 - 1 milliseconds since 1970', field });
}

/** Offsets like +02:00 know no summer time, and are refused. */
function isTimeZone(name: string): boolean {
  if (name.length > longestTimeZone || !/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
