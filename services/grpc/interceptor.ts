import { Metadata, type ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import type { ServerHttp2Stream } from 'node:http2';
import { Fault } from '../core/fault.ts';
import { toStatus } from './faults.ts';
import { maxFrameBytes } from './grpc-options.ts';

/**
 * What grpc-js decides by itself and we decide otherwise. It offers no way to do so: this file alone reaches behind its
 * API, and grpc-door.test.ts fails if a new version moves what is used here.
 */

interface BaseCall {
  /** From the header grpc-encoding. */
  readonly incomingEncoding: string;
  readonly metadata: Metadata;
  readonly stream: ServerHttp2Stream;
  /** Cuts the stream into messages, each with its prefix of five bytes. Throws where one is too long. */
  readonly decoder: { write(data: Buffer): readonly Buffer[] };
  /** Called for what arrives. */
  handleDataFrame(data: Buffer): void;
  checkCancelled(): boolean;
  maybeSendMetadata(): void;
  sendStatus(status: Parameters<ServerInterceptingCall['sendStatus']>[0]): void;
}

export interface Arrival {
  /** `address:port`. */
  readonly peer: string;
  /** What the client believes to be the server's name, with its port. */
  readonly authority: string;
  readonly metadata: Metadata;
}

export interface Gate {
  /** Called once for each call to a method that exists. Returns why it is refused. */
  admit(arrival: Arrival): Fault | undefined;
  /** Called for each call refused here, and for each oversized message. */
  refused(reason: string): void;
}

/** Refuses calls at the gate and compressed ones, and gives an oversized message its reason. */
export function gateInterceptor(gate: Gate): ServerInterceptor {
  return (_method, call) => {
    const base = call as unknown as BaseCall;
    const send = base.sendStatus.bind(base);
    let told = false;
    base.sendStatus = (sent) => {
      if (sent.code !== status.RESOURCE_EXHAUSTED || sent.metadata) return send(sent);
      // The library says it more than once.
      if (!told) gate.refused('frameTooLarge');
      told = true;
      send(toStatus(oversized()));
    };
    const { metadata } = base;
    const refused = gate.admit({ peer: call.getPeer(), authority: call.getHost(), metadata });
    if (refused) {
      gate.refused(refused.reason);
      send(toStatus(refused));
    } else if (base.incomingEncoding !== 'identity') {
      // A few KiB can inflate to a thousand times as much, and every compressed message costs a zlib instance.
      gate.refused('compressed');
      send(compressed());
    }
    // A call that has its status already never reaches a handler. The call itself goes on, not a wrapper around it: those
    // cost as much again for each message.
    return call as ServerInterceptingCall;
  };
}

/** A flag, which says whether the message is compressed, and its length. */
const prefixBytes = 5;

/**
 * Hands each message of a bidirectional call over as it arrives. grpc-js leads it through a queue, two promises and a
 * stream of objects, and stops and starts the HTTP/2 stream for each. `surface` has no `data` events any more. Nothing
 * is received behind a message that is too long, of which `tooLong` hears once: the call is for it to end.
 */
export function readMessages(
  surface: { resume(): unknown },
  { receive, tooLong }: { readonly receive: (message: Uint8Array) => void; readonly tooLong: () => void },
): void {
  const { call } = surface as unknown as { call: BaseCall };
  let isBroken = false;
  call.handleDataFrame = (data) => {
    // Read nevertheless: a client that is not done with its message might not look at what it is told.
    if (isBroken || call.checkCancelled()) return;
    let messages: readonly Buffer[];
    try {
      messages = call.decoder.write(data);
    } catch {
      isBroken = true;
      tooLong();
      return;
    }
    for (const message of messages) receive(message.subarray(prefixBytes));
  };
  surface.resume();
}

/**
 * Writes a message; `written` is called once it has left, and never when the call is over before. Nothing may be written
 * to `surface` itself beside it.
 */
export function writeMessage(surface: object, message: Uint8Array, written: () => void): void {
  const { call } = surface as { call: BaseCall };
  // grpc-js ends a call by itself where its client's deadline is over. What is written to a stream that is ending breaks
  // it: the status never leaves, nothing is read any more, and the client is not told.
  if (call.checkCancelled() || call.stream.writableEnded) return;
  call.maybeSendMetadata();
  const prefixed = Buffer.allocUnsafe(prefixBytes + message.byteLength);
  prefixed[0] = 0;
  prefixed.writeUInt32BE(message.byteLength, 1);
  prefixed.set(message, prefixBytes);
  call.stream.write(prefixed, (error) => {
    if (!error) written();
    else call.sendStatus({ code: status.INTERNAL, details: 'the stream can’t be written', metadata: null });
  });
}

export function oversized(): Fault {
  return new Fault('frameTooLarge', { message: `a message may have ${maxFrameBytes} bytes` });
}

function compressed() {
  const metadata = new Metadata();
  metadata.set('grpc-accept-encoding', 'identity');
  return { code: status.UNIMPLEMENTED, details: 'compressed messages are not taken', metadata };
}

/**
 * Ends a stream at once, whatever is still unsent: a client that doesn't read holds back the status as well, so an
 * orderly end might never come.
 */
export function resetStream(surface: object): void {
  const { call } = surface as { call: BaseCall };
  call.stream.close(8 /* CANCEL */);
}
