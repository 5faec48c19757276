import type { QueuedSend } from './pending.ts';

/** A conversation as it is kept: an encoded `parley.chat.v1.ConversationState` with the newest entries. */
export interface StoredConversation {
  readonly convId: string;
  readonly state: Uint8Array;
}

export interface Stored {
  /** Whose it is; empty when nothing was stored yet. */
  readonly userId: string;
  /** The store epoch that the conversations belong to. */
  readonly epoch: string;
  readonly conversations: readonly StoredConversation[];
  /** This device's sends that were not acknowledged, in first order. */
  readonly pending: readonly QueuedSend[];
}

/**
 * What a client keeps through a reload. Conversations are a cache; pending sends are the only copy. Rejections are
 * told to the application and otherwise survived.
 */
export interface ClientStorage {
  /** One per tab or installation. */
  readonly deviceId: string;
  load(): Promise<Stored>;
  /** Adds or replaces. */
  savePending(send: QueuedSend): Promise<void>;
  removePending(clientId: string): Promise<void>;
  /** Adds or replaces. */
  saveConversations(rows: readonly StoredConversation[]): Promise<void>;
  /** Forgets all conversations, and keeps those of another user or epoch from now on. Pending sends stay. */
  reset(owner: { readonly userId: string; readonly epoch: string }): Promise<void>;
  /** Calls when sends of a device that is gone were taken over; they are this device's from then on. */
  onAdopted(listener: (sends: readonly QueuedSend[]) => void): void;
  close(): Promise<void>;
}
