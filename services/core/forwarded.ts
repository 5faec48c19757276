const longestAddress = 64;

/**
 * The address of whoever is in front of `trustedProxies` proxies, by what the outermost of them wrote into
 * `x-forwarded-for`; `peer`, the other end of the connection, where there are none, or none wrote anything. Entries
 * further left come from the client and are worth nothing.
 */
export function forwardedAddress(header: string, peer: string, trustedProxies: number): string {
  if (trustedProxies === 0) return peer;
  const hops = header
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  const hop = hops[hops.length - trustedProxies] ?? hops[0] ?? peer;
  return hop.slice(0, longestAddress);
}
