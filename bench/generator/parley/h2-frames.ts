/** As much of HTTP/2 (RFC 9113, RFC 7541) as one gRPC call needs. */

export const h2HeaderBytes = 9;

export const frameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

export const setting = { enablePush: 2, initialWindowSize: 4, maxFrameSize: 5 } as const;

const endHeaders = 0x4;
const largestWindow = 2 ** 31 - 1;
const defaultWindow = 65_535;
const maxFrameSize = 1 << 20;

export function putH2Header(
  into: Buffer,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  into.writeUIntBE(length, 0, 3);
  into[3] = type;
  into[4] = flags;
  return into.writeUInt32BE(stream, 5);
}

export function h2Frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(h2HeaderBytes + body.length);
  body.copy(frame, putH2Header(frame, body.length, type, flags, stream));
  return frame;
}

function settings(values: readonly (readonly [number, number])[]): Buffer {
  const body = Buffer.alloc(values.length * 6);
  values.forEach(([id, value], i) => {
    body.writeUInt16BE(id, i * 6);
    body.writeUInt32BE(value, i * 6 + 2);
  });
  return h2Frame(frameType.settings, 0, 0, body);
}

function windowUpdate(stream: number, more: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(more);
  return h2Frame(frameType.windowUpdate, 0, stream, body);
}

/** What a client says first: the server may send as much as it likes. */
export const preface: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  settings([
    [setting.enablePush, 0],
    [setting.initialWindowSize, largestWindow],
    [setting.maxFrameSize, maxFrameSize],
  ]),
  windowUpdate(0, largestWindow - defaultWindow),
]);

const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);

/** The HEADERS frame that opens a gRPC call. Fields are literals that no table remembers; values are below 127 bytes. */
export function callHeaders(o: { streamId: number; path: string; authority: string }): Buffer {
  const block = Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http, from the static table
    Buffer.from([0x04]), // :path
    text(o.path),
    Buffer.from([0x01]), // :authority
    text(o.authority),
    Buffer.from([0x0f, 0x10]), // content-type
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
  return h2Frame(frameType.headers, endHeaders, o.streamId, block);
}
