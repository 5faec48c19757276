import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { deviceJson, deviceShape, platform, platformCode, targetShape, wireTarget } from './device-shapes.ts';
import { idText } from './fields.ts';
import { route } from './route.ts';

export const registerDevice = route({
  method: 'PUT',
  path: '/api/v1/devices/{id}',
  operation: 'registerDevice',
  summary: 'Registers a device for pushes, or replaces what was registered under its id.',
  params: z.object({ id: idText('As the device names itself in hello.') }),
  body: z.object({
    platform: platform.optional(),
    name: z.string().optional().describe('For people, at most 100 characters.'),
    target: targetShape,
  }),
  output: z.object({ device: deviceShape }),
  async handle(input, { call }) {
    const { device } = await call(DeviceService.method.registerDevice, {
      deviceId: input.id,
      platform: platformCode(input.platform ?? 'unspecified'),
      name: input.name ?? '',
      target: wireTarget(input.target),
    });
    return { device: deviceJson(device) };
  },
});
