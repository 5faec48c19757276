import type { ConvId, UserId } from '../core/ids.ts';
import type { SessionNo } from '../peer/edge-frames.ts';
import type { EdgePeer } from './edge-peer.ts';
import { type ChainRefusals, RefusedChains } from './refused-chains.ts';

/** Of sessions whose edge is gone. */
const allRefused = new RefusedChains();
allRefused.close();

/**
 * A session of an edge. Every message node has one for each session of the cluster, so that this is what presence takes:
 * it has no collection of its own before it needs one, and remembers its device by 64 bits instead of by name. (Two devices
 * of one user that collide take each other for one; a user who looks for such names ends nothing but his own sessions.)
 */
export class EdgeSession implements ChainRefusals {
  readonly edge: EdgePeer;
  readonly no: SessionNo;
  readonly userId: UserId;
  /** When it signed in, or somewhat earlier, in whole milliseconds by this node's monotonic clock; below 0 before its run. */
  readonly sinceMs: number;
  /** The session of the same user that signed in before it and is still there, on whatever edge. */
  older: EdgeSession | undefined;
  readonly #deviceHigh: number;
  readonly #deviceLow: number;
  #refused: RefusedChains | undefined;

  constructor(o: {
    readonly edge: EdgePeer;
    readonly no: SessionNo;
    readonly userId: UserId;
    readonly deviceId: string;
    readonly sinceMs: number;
  }) {
    this.edge = o.edge;
    this.no = o.no;
    this.userId = o.userId;
    this.sinceMs = o.sinceMs;
    this.#deviceHigh = mixed(o.deviceId, 0x2545_f491);
    this.#deviceLow = mixed(o.deviceId, 0x4f6c_dd1d);
  }

  sameDevice(other: EdgeSession): boolean {
    return this.#deviceHigh === other.#deviceHigh && this.#deviceLow === other.#deviceLow;
  }

  /** Whether the edge means one and the same session, by another link. */
  isSameAs({ edge, no }: EdgeSession): boolean {
    return this.no === no && this.edge.nodeId === edge.nodeId;
  }

  refuses(convId: ConvId, number: number): boolean {
    return this.#refused?.refuses(convId, number) ?? false;
  }

  refuse(convId: ConvId, number: number): void {
    this.#refused ??= new RefusedChains();
    this.#refused.refuse(convId, number);
  }

  /** Its edge is gone: whatever it has sent is refused. */
  close(): void {
    this.#refused = allRefused;
  }
}

/** 32 bits of a text: multiply and rotate over its characters, and the last steps of murmur3, by Austin Appleby. */
function mixed(text: string, seed: number): number {
  let bits = seed ^ text.length;
  for (let i = 0; i < text.length; i++) {
    bits = Math.imul(bits ^ text.charCodeAt(i), 0x5bd1_e995);
    bits = (bits << 13) | (bits >>> 19);
  }
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) | 0;
}
