import { create } from '@bufbuild/protobuf';
import {
  type ConversationKind,
  type Entry,
  EntrySchema,
  MessageBodySchema,
  RecalledSchema,
} from '../../gen/parley/chat/v1/entry_pb.ts';

/** A conversation as a server keeps it, in memory: the log that clients have to end up with. */
export class FakeLog {
  readonly convId: string;
  readonly kind: ConversationKind;
  readonly members: Set<string>;
  readonly entries: Entry[] = [];
  /** Messages in the order of their commits; what was recalled since stays named. */
  readonly accepted: { readonly sender: string; readonly clientId: string }[] = [];
  /** User → cursors. */
  readonly read = new Map<string, number>();
  readonly delivered = new Map<string, number>();
  readonly #results = new Map<string, Entry>();
  #msgIds: bigint;

  constructor(options: { convId: string; kind: ConversationKind; members: readonly string[]; salt: bigint }) {
    this.convId = options.convId;
    this.kind = options.kind;
    this.members = new Set(options.members);
    this.#msgIds = options.salt;
  }

  get headSeq(): number {
    return this.entries.length;
  }

  /** The entry that this client id made before. */
  earlier(sender: string, clientId: string): Entry | undefined {
    return this.#results.get(`${sender} ${clientId}`);
  }

  append(sender: string, clientId: string, content: Entry['content']): Entry {
    this.#msgIds += 1n;
    const ord = (this.entries.at(-1)?.ord ?? 0n) + (content.case === 'message' ? 1n : 0n);
    const entry = create(EntrySchema, {
      convId: this.convId,
      seq: BigInt(this.entries.length + 1),
      msgId: this.#msgIds,
      sender,
      createdAtMs: 1_700_000_000_000n + this.#msgIds,
      ord,
      clientId,
      content,
    });
    this.entries.push(entry);
    if (clientId !== '') this.#results.set(`${sender} ${clientId}`, entry);
    if (content.case === 'message') {
      this.read.set(sender, this.headSeq);
      this.accepted.push({ sender, clientId });
    }
    if (content.case === 'recall') this.#project(sender, Number(content.value.targetSeq));
    return entry;
  }

  /** Loses the newest entries, as a restored store has. */
  truncate(headSeq: number): void {
    for (const entry of this.entries.splice(headSeq))
      this.#results.delete(`${entry.sender} ${entry.clientId}`);
    for (const cursors of [this.read, this.delivered])
      for (const [user, seq] of cursors) cursors.set(user, Math.min(seq, headSeq));
  }

  unread(user: string): number {
    const ordAt = (seq: number): number => Number(this.entries[seq - 1]?.ord ?? 0n);
    return ordAt(this.headSeq) - ordAt(this.read.get(user) ?? 0);
  }

  page(from: number, through: number): Entry[] {
    return this.entries.slice(Math.max(0, from - 1), Math.max(0, through));
  }

  #project(by: string, targetSeq: number): void {
    const target = this.entries[targetSeq - 1];
    if (target?.content.case !== 'message') return;
    this.entries[targetSeq - 1] = create(EntrySchema, {
      ...target,
      clientId: '',
      revision: target.revision + 1,
      content: { case: 'recalled', value: create(RecalledSchema, { by, recallSeq: BigInt(this.headSeq) }) },
    });
  }
}

export function textContent(text: string): Entry['content'] {
  return { case: 'message', value: create(MessageBodySchema, { content: { case: 'text', value: text } }) };
}
