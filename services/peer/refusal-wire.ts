import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Refusal as WireRefusal, RefusalSchema } from '../../gen/parley/node/v1/link_pb.ts';
import { type FaultReason, faults } from '../core/fault.ts';
import type { Refusal } from './edge-frames.ts';

export function wireRefusal(refusal: Refusal): MessageInitShape<typeof RefusalSchema> {
  const { reason, message, field, retryAfterMs } = refusal;
  return { reason, message, field, retryAfterMs };
}

/** A reason that this node doesn't know is an internal error to it. */
export function refusalOf(wire: WireRefusal | undefined): Refusal {
  const reason = wire?.reason ?? '';
  return {
    reason: Object.hasOwn(faults, reason) ? (reason as FaultReason) : 'internal',
    message: wire?.message ?? '',
    field: wire?.field ?? '',
    retryAfterMs: wire?.retryAfterMs ?? 0,
  };
}
