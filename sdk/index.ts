/** What `parley/sdk` is in the package: all that an application uses of the client library, for browsers and Node. */
export { type ChatClientOptions, createChatClient } from './client.ts';
export type { ClientLimits } from './limits.ts';
export { type IndexedDbStorageOptions, openIndexedDbStorage } from './storage-indexeddb.ts';
export { MemoryStorage } from './storage-memory.ts';
export type { ClientStorage } from './storage.ts';
export type { TokenSource } from './tokens.ts';
export { WebSocketTransport, type WebSocketTransportOptions } from './transport-websocket.ts';
export type { Transport } from './transport.ts';
export {
  type ChatClient,
  ChatError,
  type ConnectionState,
  type ConversationLog,
  type ConversationSummary,
  type GroupActions,
  type LogContent,
  type LogItem,
  type MessageStatus,
  type PendingSend,
  type Unsubscribe,
} from './types.ts';
