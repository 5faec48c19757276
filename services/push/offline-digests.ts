import { type CommittedEvent, CommittedKind } from '../../gen/parley/node/v1/event_log_pb.ts';
import { type TraceContext, traceOf } from '../core/trace-context.ts';

/** Messages of one conversation within one interval. */
export interface Digest {
  readonly convId: string;
  readonly direct: boolean;
  readonly bucket: number;
  firstSeq: number;
  lastSeq: number;
  messages: number;
  /** Of the newest message. */
  msgId: bigint;
  sender: string;
  createdAtMs: number;
  /** The only sender of all of them; undefined when there are several. */
  soleSender: string | undefined;
  dueAtMs: number;
  /** Of sampled messages, the first few; absent where there are none. */
  traces?: TraceContext[];
  /** How many pushes of it were. */
  traced?: number;
}

export interface DigestConfig {
  readonly intervalMs: number;
}

/** Traces that one digest goes on with. */
const mostTraces = 16;

/** How long an interval that is past already is held open for the rest of its messages, at most. */
const lingerMs = 200;

/**
 * Gathers the messages of a conversation by the interval that they were accepted in. By that time, and not by when they
 * were read, so that after a restart the same messages make the same digest. Pure.
 */
export class OfflineDigests {
  readonly #config: DigestConfig;
  readonly #open = new Map<string, Digest>();

  constructor(config: DigestConfig) {
    this.#config = config;
  }

  /** Conversations that have one open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Takes an event's messages. `joined` is the digest that they belong to, undefined for an event without messages;
   * `closed` the earlier one of the conversation that is complete by it.
   */
  add(event: CommittedEvent, nowMs: number): { readonly joined?: Digest; readonly closed?: Digest } {
    const messages = event.entries.filter(({ kind }) => kind === CommittedKind.MESSAGE);
    const last = messages.at(-1);
    const [first] = messages;
    if (first === undefined || last === undefined) return {};
    const { intervalMs } = this.#config;
    const bucket = Math.floor(Number(last.createdAtMs) / intervalMs);
    const earlier = this.#open.get(event.convId);
    const fits = earlier !== undefined && earlier.bucket === bucket;
    const digest: Digest = fits
      ? earlier
      : {
          convId: event.convId,
          direct: event.direct,
          bucket,
          firstSeq: Number(first.seq),
          lastSeq: 0,
          messages: 0,
          msgId: 0n,
          sender: '',
          createdAtMs: 0,
          soleSender: first.sender,
          dueAtMs: Math.max((bucket + 1) * intervalMs, nowMs + Math.min(lingerMs, intervalMs)),
        };
    this.#open.set(event.convId, digest);
    for (const { seq, msgId, sender, createdAtMs, trace } of messages) {
      // A repeat of what it has already.
      if (Number(seq) <= digest.lastSeq) continue;
      digest.messages += 1;
      digest.lastSeq = Number(seq);
      digest.msgId = msgId;
      digest.sender = sender;
      digest.createdAtMs = Number(createdAtMs);
      if (digest.soleSender !== sender) digest.soleSender = undefined;
      if (trace.byteLength > 0) addTrace(digest, traceOf(trace));
    }
    return fits || earlier === undefined ? { joined: digest } : { joined: digest, closed: earlier };
  }

  /** Takes out those whose interval is over. */
  due(nowMs: number): Digest[] {
    const due: Digest[] = [];
    for (const [convId, digest] of this.#open) {
      if (digest.dueAtMs > nowMs) continue;
      this.#open.delete(convId);
      due.push(digest);
    }
    return due;
  }
}

function addTrace(digest: Digest, trace: TraceContext | undefined): void {
  if (trace === undefined || (digest.traces?.length ?? 0) >= mostTraces) return;
  digest.traces ??= [];
  digest.traces.push(trace);
}
