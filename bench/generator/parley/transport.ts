import { GrpcConnection } from './grpc-connection.ts';
import { putWsHeader, type PayloadSink, WsConnection, wsHeaderBytes } from '../ws-connection.ts';

/** Carries encoded ConnectRequest frames; gives its sink the bytes of ConnectResponse frames. */
export interface Transport {
  open(): Promise<void>;
  /** Room that a frame of this length needs in front of it. */
  headerBytes(payload: number): number;
  /** Writes that header at the start of the buffer; returns where the payload begins. */
  putHeader(into: Buffer, payload: number): number;
  /** Writes a frame with its header. The buffer is the transport's from now on. */
  write(frame: Buffer): void;
  destroy(): void;
}

/** The binary WebSocket dialect. */
export function wsTransport(port: number, sink: PayloadSink): Transport {
  const connection = new WsConnection({ port, path: '/ws', subprotocol: 'parley.v1.proto' }, sink);
  return {
    open: () => connection.open(),
    headerBytes: wsHeaderBytes,
    putHeader: (into, payload) => putWsHeader(into, payload, false),
    write: (frame) => connection.write(frame),
    destroy: () => connection.destroy(),
  };
}

/** The native door. */
export const grpcTransport = (port: number, sink: PayloadSink): Transport =>
  new GrpcConnection(port, '/parley.chat.v1.SessionService/Connect', sink);
