import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { settingsJson, settingsShape, untilSeconds } from './device-shapes.ts';
import { route } from './route.ts';

export const getPushSettings = route({
  method: 'GET',
  path: '/api/v1/push/settings',
  operation: 'getPushSettings',
  summary: 'Reads when you want no pushes.',
  output: z.object({
    settings: settingsShape,
    silenced: z.array(z.object({ conv_id: z.string(), until: z.number().describe('Seconds since 1970.') })),
  }),
  async handle(_input, { call }) {
    const { settings, silenced } = await call(DeviceService.method.getPushSettings, {});
    return {
      settings: settingsJson(settings),
      silenced: silenced.map(({ convId, untilMs }) => ({ conv_id: convId, until: untilSeconds(untilMs) })),
    };
  },
});
