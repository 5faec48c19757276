import type { DraftStorage } from '../chat/drafts.ts';

/** A browser's Storage, or one in memory where the browser forbids even to look at it. */
export function storageOrMemory(open: () => DraftStorage): DraftStorage {
  try {
    const storage = open();
    storage.getItem('');
    return storage;
  } catch {
    return memoryStorage();
  }
}

export function memoryStorage(): DraftStorage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
