import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** One node as those see it who ask it for the administration: this one itself, or another one across the network. */
export interface NodeCaller {
  /**
   * Makes a call of NodeService; the hello need not be given. Rejects with the Fault of the other node, or with
   * `upstreamUnavailable` where it did not answer within `timeoutMs`.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    timeoutMs: number,
  ): Promise<MessageShape<O>>;
}

/** Carries out calls of NodeService in this process. */
export interface NodeHost {
  /** `method` is its local name. Rejects with a Fault. */
  answer(method: string, request: unknown): Promise<unknown>;
}
