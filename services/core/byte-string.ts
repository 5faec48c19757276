/**
 * Bytes that are kept, each as a character below U+0100 (latin1). V8 holds such a string at one byte a character in its
 * own heap, where it moves and dies like any small object. A Uint8Array of the same bytes is either a view, which keeps
 * the whole buffer it was cut from, or costs an allocation outside the heap and a header larger than most messages.
 */
export type ByteString = string & { readonly [byteStringBrand]: true };
declare const byteStringBrand: unique symbol;

export function byteString(bytes: Uint8Array): ByteString {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1') as ByteString;
}

export function bytesOf(value: ByteString): Buffer {
  return Buffer.from(value, 'latin1');
}

/** Writes the bytes at `at` and gives the place behind. */
export function putByteString(buf: Buffer, at: number, value: ByteString): number {
  return at + buf.write(value, at, 'latin1');
}
