import type { AuditService } from '../../../gen/parley/chat/v1/audit_pb.ts';
import { Fault } from '../../core/fault.ts';
import { requireScope } from '../auth.ts';
import * as check from '../check.ts';
import type { Routes } from './route.ts';

export const auditRoutes: Routes<typeof AuditService> = {
  async listAuditRecords({ pageSize, pageToken, includeIssuedTokens }, { caller, administration }) {
    requireScope(caller, 'admin');
    if (!/^([0-9a-f]{32})?$/.test(pageToken))
      throw new Fault('invalidField', {
        message: 'page_token is from an answer before',
        field: 'page_token',
      });
    return administration.audit({
      pageSize: check.pageSize(pageSize, 100, 1_000, 'page_size'),
      pageToken,
      includeIssuedTokens,
    });
  },
};
