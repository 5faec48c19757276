import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  Snapshot as WireSnapshot,
  SnapshotSchema,
  ToldUntil as WireTold,
  ToldUntilSchema,
} from '../../gen/parley/node/v1/owner_link_pb.ts';
import type { EdgeFrame, ToldUntil } from './edge-frames.ts';

/** Up to when an edge was told of everything, as it is on the wire both ways. */

type Snapshot = Extract<EdgeFrame, { t: 'snapshot' }>;

export function wireTold({ incarnation, atMs }: ToldUntil): MessageInitShape<typeof ToldUntilSchema> {
  return { incarnation: BigInt(incarnation), atMs: BigInt(atMs) };
}

export function toldOf({ incarnation, atMs }: WireTold): ToldUntil {
  return { incarnation: Number(incarnation), atMs: Number(atMs) };
}

export function wireSnapshot({ oldestMs, told }: Snapshot): MessageInitShape<typeof SnapshotSchema> {
  return { oldestMs: BigInt(oldestMs), ...(told && { told: wireTold(told) }) };
}

export function snapshotOf({ oldestMs, told }: WireSnapshot): Snapshot {
  return { t: 'snapshot', oldestMs: Number(oldestMs), told: told && toldOf(told) };
}
