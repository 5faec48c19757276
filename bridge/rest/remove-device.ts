import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { idText } from './fields.ts';
import { route } from './route.ts';

export const removeDevice = route({
  method: 'DELETE',
  path: '/api/v1/devices/{id}',
  operation: 'removeDevice',
  summary: 'Forgets a device: it is not pushed to any more.',
  params: z.object({ id: idText('The device.') }),
  output: z.object({ removed: z.boolean().describe('Whether it was there.') }),
  async handle({ id }, { call }) {
    const { removed } = await call(DeviceService.method.removeDevice, { deviceId: id });
    return { removed };
  },
});
