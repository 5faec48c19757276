import type { Entry } from '../../gen/parley/chat/v1/entry_pb.ts';
import { isDirect, messageFrame } from './plain-events.ts';

/** An entry, and its frame once somebody needed it: the same for all who are shown it. */
export class PlainEntry {
  readonly entry: Entry;
  readonly convId: string;
  readonly seq: number;
  readonly direct: boolean;
  #frame: Buffer | undefined;

  constructor(entry: Entry) {
    this.entry = entry;
    this.convId = entry.convId;
    this.seq = Number(entry.seq);
    this.direct = isDirect(entry.convId);
  }

  /** Whether plain sockets are shown it: messages only. */
  get shown(): boolean {
    return this.entry.content.case === 'message';
  }

  /** Last seq that it stands for. */
  get throughSeq(): number {
    const { content } = this.entry;
    return content.case === 'hidden' ? Math.max(this.seq, Number(content.value.throughSeq)) : this.seq;
  }

  /** `to` is looked at in direct conversations, where it is the same for every receiver. */
  frame(to: string | undefined): Buffer {
    if (this.#frame !== undefined) return this.#frame;
    const { content } = this.entry;
    if (content.case !== 'message') throw new TypeError('only messages are shown');
    const frame = messageFrame(this.entry, content.value, to);
    if (!this.direct || to !== undefined) this.#frame = frame;
    return frame;
  }
}
