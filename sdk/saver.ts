import type { ClientClock } from './clock.ts';
import type { Conversations } from './conversations.ts';
import type { ClientStorage } from './storage.ts';

/** Changes are stored at most this often. */
const saveAfterMs = 2_000;

/** Writes conversations behind: a cache, so what a crash takes comes back by sync. */
export class Saver {
  readonly #clock: ClientClock;
  readonly #storage: ClientStorage;
  readonly #conversations: Conversations;
  readonly #onError: (error: unknown) => void;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(options: {
    clock: ClientClock;
    storage: ClientStorage;
    conversations: Conversations;
    onError: (error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#storage = options.storage;
    this.#conversations = options.conversations;
    this.#onError = options.onError;
  }

  /** Something may have changed. */
  touch(): void {
    if (this.#dueMs === Number.POSITIVE_INFINITY && this.#conversations.unsaved)
      this.#dueMs = this.#clock.monotonicMs() + saveAfterMs;
  }

  /** The stored conversations are void. */
  reset(owner: { readonly userId: string; readonly epoch: string }): void {
    this.#storage.reset(owner).catch(this.#onError);
  }

  dueMs(): number {
    return this.#dueMs;
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#dueMs) void this.save();
  }

  async save(): Promise<void> {
    this.#dueMs = Number.POSITIVE_INFINITY;
    if (!this.#conversations.unsaved) return;
    await this.#storage.saveConversations(this.#conversations.takeUnsaved()).catch(this.#onError);
  }
}
