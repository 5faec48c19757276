import { create } from '@bufbuild/protobuf';
import type { AdminService } from '../../../gen/parley/chat/v1/admin_pb.ts';
import { RemoveDeviceRequestSchema } from '../../../gen/parley/chat/v1/device_pb.ts';
import { RemoveAllDevicesSchema } from '../../../gen/parley/node/v1/owner_link_pb.ts';
import { Fault } from '../../core/fault.ts';
import type { DeviceRequest } from '../../peer/edge-frames.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import { clockToleranceMs, longestTokenSeconds, tokenTtlSeconds } from '../token.ts';
import { actorOf } from './actor-of.ts';
import type { Routes } from './route.ts';

const maxMembersPage = 1_000;

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
    await context.administration.issued(actorOf(context), {
      action: 'token.issue',
      target: userId,
      details: { expires_at: new Date(expiresAtMs).toISOString() },
    });
    return { token, expiresAtMs: BigInt(expiresAtMs) };
  },

  async revokeTokens(request, context) {
    requireScope(context.caller, 'tokens');
    const userId = check.userId(request.userId, 'user_id');
    const deviceId = request.deviceId === '' ? '' : check.deviceId(request.deviceId, 'device_id');
    const nowMs = context.clock.wallMs();
    const endsAtMs = endOf(request.endsAtMs, nowMs);
    const act = { action: 'tokens.revoke', target: userId, details: deviceDetail(deviceId) };
    await context.administration.act(actorOf(context), act, async () => {
      await context.directory.revocations.revoke({ userId, deviceId, issuedUntilMs: nowMs, endsAtMs });
      // Who is shut out hears of nothing any more, asleep or not.
      await context.ask({ t: 'device', request: forgetting(deviceId) }, 'device', userId);
    });
    return { issuedUntilMs: BigInt(nowMs), endsAtMs: BigInt(endsAtMs) };
  },

  async listSessions(request, context) {
    requireScope(context.caller, 'admin');
    const userId = check.userId(request.userId, 'user_id');
    const sessions = await context.directory.sessions.of(userId);
    return {
      sessions: sessions
        .toSorted((one, other) => one.sinceMs - other.sinceMs)
        .map(({ deviceId, nodeId, session, sinceMs }) => ({
          deviceId,
          nodeId,
          session: BigInt(session),
          sinceMs: BigInt(sinceMs),
        })),
    };
  },

  async endSessions(request, context) {
    requireScope(context.caller, 'admin');
    const userId = check.userId(request.userId, 'user_id');
    const deviceId = request.deviceId === '' ? '' : check.deviceId(request.deviceId, 'device_id');
    const act = { action: 'sessions.end', target: userId, details: deviceDetail(deviceId) };
    return context.administration.act(
      actorOf(context),
      act,
      () => context.administration.endSessions(userId, deviceId),
      ({ unreachable }) => (unreachable ?? []).length === 0,
    );
  },

  async describeGroup(request, context) {
    requireScope(context.caller, 'admin');
    return context.administration.group({
      groupId: check.groupId(request.groupId, 'group_id'),
      pageSize: check.pageSize(request.pageSize, 100, maxMembersPage, 'page_size'),
      pageToken: request.pageToken === '' ? '' : check.userId(request.pageToken, 'page_token'),
    });
  },

  async expelMember(request, context) {
    requireScope(context.caller, 'admin');
    const user = check.userId(request.userId, 'user_id');
    const groupId = check.groupId(request.groupId, 'group_id');
    const clientId = check.clientId(request.clientId, 'client_id');
    const act = { action: 'group.expel', target: groupId, details: { user } };
    const { seq } = await context.administration.act(actorOf(context), act, () =>
      context.ask({ t: 'group', groupId, clientId, change: { t: 'expel', user } }, 'groupChanged'),
    );
    return { seq: BigInt(seq) };
  },
};

function deviceDetail(deviceId: string): Record<string, string> {
  return deviceId === '' ? {} : { device: deviceId };
}

function forgetting(deviceId: string): DeviceRequest {
  return deviceId === ''
    ? { case: 'removeAll', value: create(RemoveAllDevicesSchema) }
    : { case: 'remove', value: create(RemoveDeviceRequestSchema, { deviceId }) };
}

/** Until when a revocation stands: as long as a token may live that was issued just now, unless the caller says. */
function endOf(asked: bigint, nowMs: number): number {
  const latestMs = nowMs + longestTokenSeconds * 1_000;
  // The clock of whoever signed it may be ahead, and it is taken for a moment after it has expired.
  if (asked === 0n) return latestMs + 2 * clockToleranceMs;
  if (asked > BigInt(Math.floor(nowMs)) && asked <= BigInt(Math.ceil(latestMs))) return Number(asked);
  throw new Fault('invalidField', {
    message: `ends_at_ms is a time to come, at most ${longestTokenSeconds / 86_400} days from now, or 0`,
    field: 'ends_at_ms',
  });
}
