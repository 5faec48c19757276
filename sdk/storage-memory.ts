import type { QueuedSend } from './pending.ts';
import type { ClientStorage, Stored, StoredConversation } from './storage.ts';
import { uniqueId } from './unique-id.ts';

/** Keeps everything as long as the object lives: for terminal clients, services and tests. */
export class MemoryStorage implements ClientStorage {
  readonly deviceId: string;
  #userId = '';
  #epoch = '';
  readonly #conversations = new Map<string, StoredConversation>();
  readonly #pending = new Map<string, QueuedSend>();

  constructor(options: { deviceId?: string } = {}) {
    this.deviceId = options.deviceId ?? uniqueId();
  }

  async load(): Promise<Stored> {
    return {
      userId: this.#userId,
      epoch: this.#epoch,
      conversations: [...this.#conversations.values()],
      pending: [...this.#pending.values()].sort((one, other) => one.order - other.order),
    };
  }

  async savePending(send: QueuedSend): Promise<void> {
    this.#pending.set(send.clientId, send);
  }

  async removePending(clientId: string): Promise<void> {
    this.#pending.delete(clientId);
  }

  async saveConversations(rows: readonly StoredConversation[]): Promise<void> {
    for (const row of rows) this.#conversations.set(row.convId, row);
  }

  async reset(owner: { readonly userId: string; readonly epoch: string }): Promise<void> {
    this.#conversations.clear();
    this.#userId = owner.userId;
    this.#epoch = owner.epoch;
  }

  /** Nobody else has sends in here. */
  onAdopted(): void {}

  async close(): Promise<void> {}
}
