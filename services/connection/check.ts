import { checkBody } from '../codec/frames.ts';
import { directConvId, isDirect } from '../core/conv-id.ts';
import { Fault } from '../core/fault.ts';
import { type ConvId, groupIdProblem, idProblem, type Seq, type UserId } from '../core/ids.ts';
import { protocolLimits } from './options.ts';

/** Checks of what clients name; each throws a Fault that names the field. */

export function userId(id: string, field: string): UserId {
  const problem = idProblem(id);
  if (problem !== undefined) throw new Fault('invalidId', { message: `the user id ${problem}`, field });
  return id as UserId;
}

export function convId(id: string, field: string): ConvId {
  const problem = idProblem(id);
  if (problem !== undefined)
    throw new Fault('invalidId', { message: `the conversation id ${problem}`, field });
  return id as ConvId;
}

export function groupId(id: string, field: string): ConvId {
  const problem = groupIdProblem(id);
  if (problem !== undefined) throw new Fault('invalidId', { message: `the group id ${problem}`, field });
  return id as ConvId;
}

/** 1 to 64 characters; needed, so that a retry can't repeat what it did. */
export function clientId(id: string, field: string): string {
  const problem = idProblem(id);
  if (problem !== undefined) throw new Fault('invalidId', { message: `the client id ${problem}`, field });
  return id;
}

export function deviceId(id: string, field: string): string {
  const problem = idProblem(id);
  if (problem !== undefined) throw new Fault('invalidId', { message: `the device id ${problem}`, field });
  return id;
}

/** A seq from the wire, where 0 has a meaning of its own. */
export function seq(value: bigint | number, field: string): Seq {
  if (value > Number.MAX_SAFE_INTEGER)
    throw new Fault('seqOutOfRange', { message: 'seq is 2^53 or more', field });
  return Number(value);
}

export function seqFrom1(value: bigint | number, field: string): Seq {
  const checked = seq(value, field);
  if (checked === 0) throw new Fault('seqOutOfRange', { message: 'seq starts at 1', field });
  return checked;
}

/** A page size, `usual` where it is 0. */
export function pageSize(value: number, usual: number, most: number, field: string): number {
  if (value > most) throw new Fault('pageTooLarge', { message: `at most ${most} at a time`, field });
  return value === 0 ? usual : value;
}

export function atMost(length: number, most: number, field: string): void {
  if (length > most) throw new Fault('invalidField', { message: `at most ${most} at a time`, field });
}

export interface Target {
  readonly convId: ConvId;
  /** The other user, where the target was named by them. */
  readonly peer: UserId | undefined;
}

/** Where a send goes: a conversation, or the direct one with a user. */
export function target(
  sender: UserId,
  named: { readonly convId: string | undefined; readonly to: string | undefined },
  field: string,
): Target {
  if (named.to !== undefined) {
    const peer = userId(named.to, `${field}.to`);
    return { convId: directConvId(sender, peer), peer };
  }
  if (named.convId === undefined) {
    throw new Fault('invalidField', { message: 'conv_id or to is needed', field: `${field}.conv_id` });
  }
  return { convId: convId(named.convId, `${field}.conv_id`), peer: undefined };
}

export function body(encoded: Uint8Array, field: string): Uint8Array {
  const fault = checkBody(encoded, field);
  if (fault !== undefined) throw fault;
  return encoded;
}

export const isGroup = (id: ConvId): boolean => !isDirect(id);

export { protocolLimits as limits };
