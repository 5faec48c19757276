import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ConversationStateSchema } from '../gen/parley/chat/v1/conversation_pb.ts';
import { Conversation } from './conversation.ts';
import type { StoredConversation } from './storage.ts';
import type { ConversationSummary } from './types.ts';

/** Entries kept of each conversation through a reload. */
const storedEntries = 50;

/** All conversations of the user, and their order in the list. */
export class Conversations {
  #self: string;
  readonly #all = new Map<string, Conversation>();
  readonly #typists: (convId: string) => readonly string[];
  readonly #watchers: (convId: string) => number;
  readonly #unsaved = new Set<string>();
  #list: readonly ConversationSummary[] | undefined;

  constructor(options: {
    self: string;
    typists: (convId: string) => readonly string[];
    watchers: (convId: string) => number;
  }) {
    this.#self = options.self;
    this.#typists = options.typists;
    this.#watchers = options.watchers;
  }

  get(convId: string): Conversation | undefined {
    return this.#all.get(convId);
  }

  values(): Iterable<Conversation> {
    return this.#all.values();
  }

  ensure(convId: string, peer = ''): Conversation {
    let conversation = this.#all.get(convId);
    if (conversation === undefined) {
      conversation = new Conversation({ convId, self: this.#self, peer });
      conversation.watchers = this.#watchers(convId);
      this.#all.set(convId, conversation);
      this.#list = undefined;
    } else if (conversation.peer === '' && peer !== '') {
      conversation.peer = peer;
      conversation.touch();
    }
    return conversation;
  }

  /** The conversation changed: its place in the list, and what is stored of it. */
  changed(conversation: Conversation): void {
    if (conversation.told) this.#unsaved.add(conversation.convId);
    this.#list = undefined;
  }

  /** Only what is shown changed, nothing worth storing. */
  repaint(convId: string): void {
    this.#all.get(convId)?.touch();
    this.#list = undefined;
  }

  /** Newest first. The same array until something changes. */
  list(): readonly ConversationSummary[] {
    this.#list ??= [...this.#all.values()]
      .filter((conversation) => conversation.presentable)
      .sort((one, other) => other.activeAtMs - one.activeAtMs || (one.convId < other.convId ? -1 : 1))
      .map((conversation) => conversation.summary(() => this.#typists(conversation.convId)));
    return this.#list;
  }

  /** The logs are void: another epoch of the store. */
  void(): void {
    for (const conversation of this.#all.values()) conversation.void();
    this.#unsaved.clear();
    this.#list = undefined;
  }

  /** All is void: another user. */
  clear(self: string): void {
    this.#self = self;
    this.#all.clear();
    this.#unsaved.clear();
    this.#list = undefined;
  }

  get unsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  /** What changed since it was taken last, to be stored. */
  takeUnsaved(): StoredConversation[] {
    const rows: StoredConversation[] = [];
    for (const convId of this.#unsaved) {
      const conversation = this.#all.get(convId);
      if (conversation === undefined) continue;
      rows.push({ convId, state: toBinary(ConversationStateSchema, conversation.toState(storedEntries)) });
    }
    this.#unsaved.clear();
    return rows;
  }

  /** Takes back what was stored. A row that can't be read is as good as none: sync brings the conversation. */
  restore(rows: readonly StoredConversation[]): void {
    for (const row of rows) {
      try {
        const state = fromBinary(ConversationStateSchema, row.state);
        const conversation = this.ensure(row.convId, state.peer);
        conversation.apply(state, 0);
        conversation.stored = true;
      } catch {
        this.#all.delete(row.convId);
      }
    }
    this.#list = undefined;
  }
}
