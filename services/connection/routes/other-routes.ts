import type { AdminService } from '../../../gen/parley/chat/v1/admin_pb.ts';
import type { IdService } from '../../../gen/parley/chat/v1/id_pb.ts';
import type { PresenceService } from '../../../gen/parley/chat/v1/presence_pb.ts';
import { Fault } from '../../core/fault.ts';
import { requireScope, requireService } from '../auth.ts';
import * as check from '../check.ts';
import { cost } from '../command-cost.ts';
import { longestTokenSeconds, tokenTtlSeconds } from '../token.ts';
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

export const adminRoutes: Routes<typeof AdminService> = {
  async issueToken(request, context) {
    requireScope(context.caller, 'tokens');
    const userId = check.userId(request.userId, 'user_id');
    const { least, most, usual } = tokenTtlSeconds;
    const ttlSeconds = request.ttlSeconds === 0 ? usual : request.ttlSeconds;
    if (ttlSeconds < least || ttlSeconds > most) {
      throw new Fault('invalidField', {
        message: `ttl_seconds is ${least} to ${most}`,
        field: 'ttl_seconds',
      });
    }
    const { token, expiresAtMs } = await context.tokens.issueUser(userId, ttlSeconds);
    return { token, expiresAtMs: BigInt(expiresAtMs) };
  },

  async revokeTokens(request, context) {
    requireScope(context.caller, 'tokens');
    const userId = check.userId(request.userId, 'user_id');
    const deviceId = request.deviceId === '' ? '' : check.deviceId(request.deviceId, 'device_id');
    const nowMs = context.clock.wallMs();
    const endsAtMs = endOf(request.endsAtMs, nowMs);
    await context.directory.revocations.revoke({ userId, deviceId, issuedUntilMs: nowMs, endsAtMs });
    return { issuedUntilMs: BigInt(nowMs), endsAtMs: BigInt(endsAtMs) };
  },
};

/** Until when a revocation stands: as long as a token may live that was issued just now, unless the caller says. */
function endOf(asked: bigint, nowMs: number): number {
  const latestMs = nowMs + longestTokenSeconds * 1_000;
  if (asked === 0n) return latestMs;
  if (asked > BigInt(Math.floor(nowMs)) && asked <= BigInt(Math.ceil(latestMs))) return Number(asked);
  throw new Fault('invalidField', {
    message: `ends_at_ms is a time to come, at most ${longestTokenSeconds / 86_400} days from now, or 0`,
    field: 'ends_at_ms',
  });
}
