import type { TextStore } from '../app/identity.ts';

/** A Storage whose keys can be walked. */
export interface DraftStorage extends TextStore {
  readonly length: number;
  key(index: number): string | null;
}

const prefix = 'parley.draft:';
/** Drafts kept on a device; the oldest goes first. */
const most = 200;

/** Unsent texts of one user, one a conversation, kept over reloads and shared by tabs where storage allows. */
export class Drafts {
  readonly #storage: DraftStorage;
  readonly #prefix: string;
  readonly #texts = new Map<string, string>();
  readonly #listeners = new Set<() => void>();

  constructor(storage: DraftStorage, userId: string) {
    this.#storage = storage;
    this.#prefix = `${prefix}${encodeURIComponent(userId)}:`;
  }

  get(convId: string): string {
    return this.#texts.get(convId) ?? this.#read(convId);
  }

  set(convId: string, text: string): void {
    if (text === this.get(convId)) return;
    this.#texts.set(convId, text);
    try {
      if (text.trim() === '') this.#storage.removeItem(this.#keyOf(convId));
      else this.#storage.setItem(this.#keyOf(convId), JSON.stringify({ text, atMs: Date.now() }));
      this.#dropOldest();
    } catch {
      // Storage is full or blocked: the draft lives as long as the page.
    }
    this.#tell();
  }

  /** Forgets all drafts of the user. */
  clear(): void {
    this.#texts.clear();
    try {
      const keys = this.#keys().filter((key) => key.startsWith(this.#prefix));
      for (const key of keys) this.#storage.removeItem(key);
    } catch {
      // Storage is blocked: there are none.
    }
  }

  /** Another tab has written to the storage: under this key, or wherever for null. What it says there counts from now on. */
  writtenElsewhere(key: string | null): void {
    const known = [...this.#texts.keys()].filter((convId) => key === null || this.#keyOf(convId) === key);
    for (const convId of known) this.#texts.delete(convId);
    if (known.length > 0) this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #keyOf(convId: string): string {
    return this.#prefix + encodeURIComponent(convId);
  }

  #read(convId: string): string {
    let text = '';
    try {
      text = parse(this.#storage.getItem(this.#keyOf(convId))).text;
    } catch {
      // Storage is blocked.
    }
    this.#texts.set(convId, text);
    return text;
  }

  /** All drafts of whomever. */
  #keys(): string[] {
    return Array.from({ length: this.#storage.length }, (_, i) => this.#storage.key(i)).filter(
      (key): key is string => key?.startsWith(prefix) ?? false,
    );
  }

  #dropOldest(): void {
    const keys = this.#keys();
    if (keys.length <= most) return;
    const aged = keys.map((key) => ({ key, atMs: parse(this.#storage.getItem(key)).atMs }));
    aged.sort((a, b) => a.atMs - b.atMs);
    for (const { key } of aged.slice(0, keys.length - most)) this.#storage.removeItem(key);
  }
}

function parse(stored: string | null): { text: string; atMs: number } {
  try {
    const value: unknown = JSON.parse(stored ?? 'null');
    if (typeof value === 'object' && value !== null && 'text' in value && 'atMs' in value) {
      const { text, atMs } = value;
      if (typeof text === 'string' && typeof atMs === 'number') return { text, atMs };
    }
  } catch {
    // Something else wrote here.
  }
  return { text: '', atMs: 0 };
}
