import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { minuteOf, quietHoursShape, settingsJson, settingsShape, until, untilMs } from './device-shapes.ts';
import { route } from './route.ts';

export const setPushSettings = route({
  method: 'PUT',
  path: '/api/v1/push/settings',
  operation: 'setPushSettings',
  summary: 'Replaces the settings, silenced conversations aside.',
  body: z.object({
    silenced_until: until(
      'No pushes until then, in seconds since 1970; 0 or absent: not silenced.',
    ).optional(),
    quiet_hours: quietHoursShape.nullish(),
  }),
  output: z.object({ settings: settingsShape }),
  async handle({ silenced_until, quiet_hours }, { call }) {
    const quietHours = quiet_hours && {
      fromMinute: minuteOf(quiet_hours.from),
      toMinute: minuteOf(quiet_hours.to),
      timeZone: quiet_hours.time_zone,
    };
    const answer = await call(DeviceService.method.setPushSettings, {
      settings: { silencedUntilMs: untilMs(silenced_until ?? 0), ...(quietHours ? { quietHours } : {}) },
    });
    return { settings: settingsJson(answer.settings) };
  },
});
