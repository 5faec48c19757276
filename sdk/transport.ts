import type { DescMethodUnary, DescMessage, MessageShape } from '@bufbuild/protobuf';

/** How the client library reaches the server. Frames are encoded ConnectRequests out and ConnectResponses in. */
export interface Transport {
  /** Opens a session stream. Frames may be sent at once; they wait until it is open. */
  open(handlers: StreamHandlers): SessionStream;
  /** One unary call. Rejects with a ChatError. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    credentials: Credentials,
  ): Promise<MessageShape<O>>;
  /** Lets go of whatever is kept open between sessions. */
  close(): void;
}

export interface SessionStream {
  /** Sends a frame, in order. What can't be written is held back; a stream that is closed ignores it. */
  send(frame: Uint8Array): void;
  /** Ends it. No handler is called any more. */
  close(reason: string): void;
}

export interface StreamHandlers {
  /** The buffer is the handler's. */
  onFrame(frame: Uint8Array): void;
  /** Once, unless this side closed it. The code is a WebSocket close code, 44xx: don't reconnect. */
  onClose(code: number, reason: string): void;
}

/** Who calls. */
export interface Credentials {
  /** A JWT; empty in development. */
  readonly token: string;
  /** Development only: who calls when there is no token. */
  readonly userId: string;
}
