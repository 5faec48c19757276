import { createChatClient } from '../../../sdk/client.ts';
import type { ClientStorage } from '../../../sdk/storage.ts';
import { openIndexedDbStorage } from '../../../sdk/storage-indexeddb.ts';
import { MemoryStorage } from '../../../sdk/storage-memory.ts';
import { WebSocketTransport } from '../../../sdk/transport-websocket.ts';
import type { ClientSource } from './client-source.ts';
import type { Identity } from './identity.ts';
import { tokenSubject } from './token-subject.ts';

/** Clients of the server that the page came from. */
export const serverSource: ClientSource = {
  async open(identity, onUnkept) {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
    return createChatClient({
      transport: new WebSocketTransport({ url }),
      storage: await openStorage(identity, onUnkept),
      onStorageError: onUnkept,
      ...(identity.t === 'name' ? { userId: identity.name } : { token: identity.token }),
    });
  },

  async forget(identity) {
    const storage = await openStorage(identity);
    // Sends that are still to go stay: they are the only copy.
    await storage.reset({ userId: '', epoch: '' });
    await storage.close();
  },
};

/** In a browser that keeps nothing, the client lives as long as the page. */
async function openStorage(identity: Identity, onUnkept?: () => void): Promise<ClientStorage> {
  const name = identity.t === 'name' ? identity.name : tokenSubject(identity.token);
  try {
    return await openIndexedDbStorage({ name });
  } catch {
    onUnkept?.();
    return new MemoryStorage();
  }
}
