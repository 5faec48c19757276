import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import { DirectoryError, type Revocation, type Revocations } from '../ports/directory.ts';
import type { ConnectionMeters } from './meters.ts';

/** What a revocation is held against. */
export interface Credential {
  readonly userId: UserId;
  /** Empty where there is no device, as with unary calls. */
  readonly deviceId: string;
  /** What does not say when it was issued counts as issued at 0. */
  readonly issuedAtMs: number;
}

/** Whether a revocation that stands means this credential. Pure. */
export function isRevokedBy(credential: Credential, revocation: Revocation): boolean {
  if (revocation.userId !== credential.userId) return false;
  if (revocation.deviceId !== '' && revocation.deviceId !== credential.deviceId) return false;
  return credential.issuedAtMs <= revocation.issuedUntilMs;
}

/**
 * Asks the directory whether a credential is revoked. Throws `tokenRevoked`. False where the directory could not be
 * asked: then it passes, since chat goes on without a directory, and is counted.
 */
export async function checkRevoked(
  credential: Credential,
  parts: { readonly revocations: Pick<Revocations, 'of'>; readonly meters: ConnectionMeters },
): Promise<boolean> {
  let standing: readonly Revocation[];
  try {
    standing = await parts.revocations.of(credential.userId);
  } catch (error) {
    if (!(error instanceof DirectoryError)) throw error;
    parts.meters.revocationsUnchecked += 1;
    return false;
  }
  if (standing.some((each) => isRevokedBy(credential, each))) throw revokedFault();
  return true;
}

export function revokedFault(): Fault {
  return new Fault('tokenRevoked', { message: 'the token was revoked' });
}
