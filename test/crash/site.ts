import type { ParleyPorts } from '../../bench/targets/parley.ts';

/** One address with TLS, behind which are all doors; where it goes to may change without a word. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** Whom its certificate is believed by. */
  readonly ca: Buffer;
  /** How often a connection is asked for a sign of life: one that does not answer is given up. */
  readonly heartbeatMs: number;
}

/** The doors of one server, or the gateway in front of it. */
export type Doors = ParleyPorts & { readonly gateway?: GatewayAddress };

/** What traffic is made against: one server, or the edges of a cluster. */
export interface Site {
  /** The doors that a user comes by at this moment; asked at each connection. */
  ports(user: number): Doors;
  /** What the user signs in with; by name alone where it is absent, as development has it. */
  tokenOf?(user: string): string;
  /** A unary call by Connect's JSON, as a user. Rejects with a CallError when it is refused, or with fetch's own error. */
  call<T>(rpc: string, request: unknown, user: string): Promise<T>;
}
