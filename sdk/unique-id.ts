const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** An id that nobody else draws: 126 random bits in 21 characters. */
export function uniqueId(): string {
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(21))) id += alphabet[byte & 63];
  return id;
}
