import type { ParleyPorts } from '../../bench/targets/parley.ts';

/** What traffic is made against: one server, or the edges of a cluster. */
export interface Site {
  /** The doors that a user comes by at this moment; asked at each connection. */
  ports(user: number): ParleyPorts;
  /** A unary call by Connect's JSON, as a user. Rejects with a CallError when it is refused, or with fetch's own error. */
  call<T>(rpc: string, request: unknown, user: string): Promise<T>;
}
