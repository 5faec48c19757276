import { connect, type Socket } from 'node:net';

/** What a connection makes of the bytes it is given. The buffer is shared by all sockets: copy what you keep. */
export interface ByteSink {
  bytes(buffer: Buffer, start: number, end: number): void;
  ended(why: string): void;
}

/**
 * All sockets read into one buffer: a callback runs to its end before the next read, so nothing is allocated for what
 * arrives, whatever the number of sockets.
 */
const shared = Buffer.allocUnsafeSlow(1 << 20);

export function openSocket(port: number, host: string, sink: ByteSink): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length) => {
          sink.bytes(shared, 0, length);
          return true;
        },
      },
    });
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', (error) => sink.ended(error.message));
      socket.once('end', () => sink.ended('the server hung up'));
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
