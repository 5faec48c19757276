import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  AuditRecord as WireRecord,
  AuditRecordSchema,
  ListAuditRecordsRequest,
  ListAuditRecordsResponseSchema,
} from '../../gen/parley/chat/v1/audit_pb.ts';
import type { AuditLog, AuditRecord, AuditResult } from '../ports/audit-log.ts';

/** Records of the audit log, as the contract has them. */

export function wireAuditRecord(record: AuditRecord): MessageInitShape<typeof AuditRecordSchema> {
  const { atMs, endedAtMs, details, ...same } = record;
  return { ...same, details: { ...details }, atMs: BigInt(atMs), endedAtMs: BigInt(endedAtMs) };
}

export function auditRecordOf(wire: WireRecord): AuditRecord {
  const { id, actor, action, target, remoteAddress, nodeId, details, result, reason } = wire;
  return {
    id,
    atMs: Number(wire.atMs),
    actor,
    action,
    target,
    remoteAddress,
    nodeId,
    details,
    result: result as AuditResult,
    reason,
    endedAtMs: Number(wire.endedAtMs),
  };
}

const usualPage = 100;

/** Rejects with the log's StoreError. */
export async function auditPage(
  audit: AuditLog,
  ask: ListAuditRecordsRequest | undefined,
): Promise<MessageInitShape<typeof ListAuditRecordsResponseSchema>> {
  const limit = ask?.pageSize || usualPage;
  const records = await audit.page({
    before: ask?.pageToken || undefined,
    limit,
    shelves: ask?.includeIssuedTokens ? ['acts', 'issuedTokens'] : ['acts'],
  });
  return {
    records: records.map(wireAuditRecord),
    nextPageToken: records.length < limit ? '' : (records.at(-1)?.id ?? ''),
  };
}
