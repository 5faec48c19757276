const opcodes = { text: 0x81, binary: 0x82 } as const;

/**
 * A whole unmasked WebSocket message in one buffer: header and payload, ready for many sockets. `more`: bytes of the
 * payload that are written behind it.
 */
export function wsFrame(kind: keyof typeof opcodes, payload: Uint8Array, more = 0): Buffer {
  const length = payload.byteLength + more;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + payload.byteLength);
  frame[0] = opcodes[kind];
  if (headerBytes === 2) {
    frame[1] = length;
  } else if (headerBytes === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(length, 6);
  }
  frame.set(payload, headerBytes);
  return frame;
}
