import { z } from 'zod';
import { DeviceService } from '../../gen/parley/chat/v1/device_pb.ts';
import { route } from './route.ts';

export const getPushInfo = route({
  method: 'GET',
  path: '/api/v1/push',
  operation: 'getPushInfo',
  summary: 'What the server can push by.',
  output: z.object({
    web_push_key: z
      .string()
      .describe('The application server key of Web Push, base64url; empty: there is none.'),
  }),
  async handle(_input, { call }) {
    const { webPushKey } = await call(DeviceService.method.getPushInfo, {});
    return { web_push_key: Buffer.from(webPushKey).toString('base64url') };
  },
});
