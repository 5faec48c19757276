import { isIPv6 } from 'node:net';

/**
 * Under what an address is limited: an IPv4 address by itself, an IPv6 address by its network of 64 bits, since whoever
 * has one address of it has them all. Undefined for this machine itself: behind a proxy here, everybody comes from it.
 */
export function addressKey(address: string): string | undefined {
  const bare = address.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare)?.[1] ?? bare;
  if (mapped === '' || mapped === '::1' || /^127(\.\d{1,3}){3}$/.test(mapped)) return undefined;
  if (!isIPv6(mapped)) return mapped;
  const [head = '', tail] = mapped.split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = (tail ?? '').split(':').filter((group) => group !== '');
  // A trailing IPv4 notation stands for two groups.
  const afterCount = after.length + (after.at(-1)?.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - afterCount);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
