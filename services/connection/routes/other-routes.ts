import type { IdService } from '../../../gen/parley/chat/v1/id_pb.ts';
import type { PresenceService } from '../../../gen/parley/chat/v1/presence_pb.ts';
import { Fault } from '../../core/fault.ts';
import { requireScope, requireService } from '../auth.ts';
import * as check from '../check.ts';
import { cost } from '../command-cost.ts';
import type { Routes } from './route.ts';

const maxIds = 1_000;

export const presenceRoutes: Routes<typeof PresenceService> = {
  async getPresence(request, context) {
    if (request.userIds.length === 0) {
      throw new Fault('invalidField', { message: 'at least one user is needed', field: 'user_ids' });
    }
    context.spend(request.userIds.length * cost.presence);
    check.atMost(request.userIds.length, check.limits.watchedUsers, 'user_ids');
    const named = request.userIds.map((id, index) => check.userId(id, `user_ids[${index}]`));
    const { users } = await context.ask({ t: 'presence', users: named }, 'presence');
    return {
      users: users.map(({ userId, online, lastSeenAtMs }) => ({
        userId,
        online,
        lastSeenAtMs: BigInt(lastSeenAtMs),
      })),
    };
  },

  async isOnline(request, context) {
    requireService(context.caller);
    if (request.userIds.length === 0) {
      throw new Fault('invalidField', { message: 'at least one user is needed', field: 'user_ids' });
    }
    check.atMost(request.userIds.length, check.limits.watchedUsers, 'user_ids');
    const named = request.userIds.map((id, index) => check.userId(id, `user_ids[${index}]`));
    const counts = await context.directory.sessions.count(named);
    return {
      users: named.map((userId, at) => ({ userId, online: counts[at] !== 0, sessions: counts[at] })),
    };
  },
};

export const idRoutes: Routes<typeof IdService> = {
  async allocateIds(request, context) {
    requireScope(context.caller, 'ids');
    const count = check.pageSize(request.count, 1, maxIds, 'count');
    const { ids } = await context.ask({ t: 'ids', count }, 'ids');
    return { ids: [...ids] };
  },
};
