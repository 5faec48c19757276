/** Whether a session that ended with this WebSocket close code may be opened again: 44xx says no. */
export function mayReconnect(code: number): boolean {
  return code < 4400 || code > 4499;
}

/** What a close code means where nothing else said it; reasons as in the server's table. */
export function closeReason(code: number, reason: string): string {
  if (reason !== '') return reason;
  return reasons[code] ?? (mayReconnect(code) ? 'connectionLost' : 'refused');
}

const reasons: Readonly<Record<number, string>> = {
  4401: 'tokenInvalid',
  4403: 'notAllowed',
  4406: 'unsupportedProtocol',
  4410: 'superseded',
  4503: 'nodeDraining',
  4508: 'silent',
};
