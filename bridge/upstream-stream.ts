import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AttachRequestSchema, BridgeFrameSchema } from '../gen/parley/node/v1/bridge_pb.ts';
import type { SessionInfo } from '../services/core/door.ts';
import { Outbox } from '../services/core/outbox.ts';
import { traceBytes, type TraceContext } from '../services/core/trace-context.ts';

type BridgeFrame = MessageInitShape<typeof BridgeFrameSchema>;

const protocolVersion = 1;
const limitBytes = 32 * 1024 * 1024;
const batchBytes = 1024 * 1024;
const frameOverheadBytes = 16;

/** The bridge's side of one stream: its open sessions, and the frames on their way to the node. */
export class UpstreamStream {
  readonly #outbox = new Outbox<BridgeFrame>({ limitBytes, batchBytes });
  readonly #sessions = new Set<number>();

  constructor(bridgeId: string, clusterToken: string) {
    this.#tell({ case: 'hello', value: { protocolVersion, bridgeId, clusterToken } });
  }

  /** Sessions that the node believes to be open. */
  get sessions(): readonly number[] {
    return [...this.#sessions];
  }

  get isIdle(): boolean {
    return this.#sessions.size === 0;
  }

  has(session: number): boolean {
    return this.#sessions.has(session);
  }

  open(session: number, { remoteAddress, transport }: SessionInfo): void {
    this.#sessions.add(session);
    this.#tell({ case: 'open', value: { session, remoteAddress, transport } });
  }

  data(session: number, data: Uint8Array, trace?: TraceContext): 'queued' | 'full' | 'closed' {
    if (!this.#sessions.has(session)) return 'closed';
    const frame = { case: 'data', value: { session, data } } as const;
    return this.#outbox.push(
      trace === undefined ? { frame } : { frame, trace: traceBytes(trace) },
      data.byteLength + frameOverheadBytes,
    );
  }

  closed(session: number): void {
    if (this.#sessions.delete(session)) this.#tell({ case: 'closed', value: { session } });
  }

  paused(session: number): void {
    if (this.#sessions.has(session)) this.#tell({ case: 'paused', value: { session } });
  }

  resumed(session: number): void {
    if (this.#sessions.has(session)) this.#tell({ case: 'resumed', value: { session } });
  }

  /** The node closed the session. */
  forget(session: number): void {
    this.#sessions.delete(session);
  }

  end(): void {
    this.#outbox.close();
  }

  async *requests(): AsyncGenerator<MessageInitShape<typeof AttachRequestSchema>, void> {
    for await (const frames of this.#outbox.batches()) yield { frames };
  }

  /** Frames that may not be lost; there are a few for each session, so they need no room. */
  #tell(frame: BridgeFrame['frame']): void {
    this.#outbox.push({ frame }, 0);
  }
}
