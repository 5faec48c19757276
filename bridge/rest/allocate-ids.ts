import { z } from 'zod';
import { IdService } from '../../gen/parley/chat/v1/id_pb.ts';
import { count } from './fields.ts';
import { route } from './route.ts';

export const allocateIds = route({
  method: 'POST',
  path: '/api/v1/ids',
  operation: 'allocateIds',
  summary: 'Draws ids; for service tokens with the scope `ids`.',
  body: z.object({ count: count('Absent or 0 means 1.').optional() }),
  output: z.object({ ids: z.array(z.string()) }),
  async handle(input, { call }) {
    const answer = await call(IdService.method.allocateIds, { count: input.count ?? 0 });
    return { ids: answer.ids.map(String) };
  },
});
