import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

/** For those who administer the deployment. */
export const adminOptions = {
  auditKeepDays: option({
    env: 'PARLEY_AUDIT_KEEP_DAYS',
    type: z.int().min(1).max(36_500),
    default: 365,
    doc: 'Days for which records of the audit log are kept.',
  }),
  auditRecords: option({
    env: 'PARLEY_AUDIT_RECORDS',
    type: z.int().min(100),
    default: 100_000,
    doc: 'Records of the audit log that are kept, at most; so many again of issued tokens. The oldest go.',
  }),
} satisfies OptionTable;
