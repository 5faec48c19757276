import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { deviceJson, deviceShape } from './device-shapes.ts';
import { route } from './route.ts';

export const listDevices = route({
  method: 'GET',
  path: '/api/v1/devices',
  operation: 'listDevices',
  summary: 'Lists your devices, the one that was seen last first.',
  output: z.object({ devices: z.array(deviceShape) }),
  async handle(_input, { call }) {
    const { devices } = await call(DeviceService.method.listDevices, {});
    return { devices: devices.map(deviceJson) };
  },
});
