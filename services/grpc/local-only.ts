import type { Metadata } from '@grpc/grpc-js';
import { isLoopback } from '../core/core-options.ts';

const forwarding = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Whether a call was made on this machine to this machine: its authority names it so, and no proxy has passed it on. A
 * proxy beside the server comes from loopback, too, and must not open development mode to the world.
 */
export function isLocal(authority: string, metadata: Metadata): boolean {
  if (forwarding.some((header) => metadata.get(header).length > 0)) return false;
  const host = authority.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopback(host.toLowerCase());
}
