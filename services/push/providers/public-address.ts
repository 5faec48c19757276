import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** IPv4 that is not for everybody (the registry of special-purpose addresses, RFC 6890, and multicast). */
const special4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** IPv6 within the global unicast range that is for documents and tunnels. */
const special6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const blocked = new BlockList();
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
// Networks without IPv4 of their own reach it under this prefix, private parts included.
global6.addSubnet('64:ff9b::', 96, 'ipv6');
for (const [address, bits] of special6) blocked.addSubnet(address, bits, 'ipv6');
for (const [address, bits] of special4) {
  blocked.addSubnet(address, bits, 'ipv4');
  blocked.addSubnet(`64:ff9b::${address}`, 96 + bits, 'ipv6');
}

/** Whether an IP address is one that everybody can reach: not this machine, not the networks around it. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !blocked.check(address, 'ipv4');
    case 6:
      return global6.check(address, 'ipv6') && !blocked.check(address, 'ipv6');
    default:
      return false;
  }
}

export const privateAddressCode = 'EPRIVATEADDRESS';

/**
 * Resolves names as `dns.lookup` does, and fails with the code `EPRIVATEADDRESS` for those that lead, if only among
 * others, to where not everybody gets. What it answers is what is connected to: no second answer can be another one.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    const [first] = addresses;
    if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      const refusal: NodeJS.ErrnoException = new Error('the name leads to a private address');
      refusal.code = privateAddressCode;
      return callback(refusal, []);
    }
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
