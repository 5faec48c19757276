/** A host and a port as addresses are written: IPv6 in brackets. */
export function hostPort(host: string, port: number | string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The same, of what was put together by those who don't know which kind of address they have (`$(POD_IP):9505`). */
export function bracketed(address: string): string {
  const at = address.lastIndexOf(':');
  return at < 0 ? address : hostPort(address.slice(0, at), address.slice(at + 1));
}
