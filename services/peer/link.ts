/**
 * One end of a link between two nodes. Between processes a gRPC stream carries it, inside one process the frames are
 * handed over as they are (`direct-link.ts`). Frames arrive in the order sent, each at most once; a link that breaks
 * says so at both ends.
 */
export interface Link<Out> {
  /** `bytes` is what the frame weighs in the send queue. `full`: not sent, the caller decides what to give up. */
  send(frame: Out, bytes: number): 'queued' | 'full' | 'closed';
  close(reason: string): void;
}

export interface LinkEvents<In> {
  /** One or more frames, in order. Must not throw. */
  frames(frames: readonly In[]): void;
  /** The link is gone for good; called once, never before the frames that arrived earlier. */
  down(reason: string): void;
}
