import { recalled, type Shown } from './chat-page.ts';

/** What REST says of an entry, as far as tests look at it. */
interface RestEntry {
  readonly seq: number;
  readonly user_id: string;
  readonly type: string;
  readonly content?: string;
  readonly client_id: string;
}

interface RestPage {
  readonly entries: readonly RestEntry[];
  readonly more: boolean;
  readonly head_seq: number;
}

/** Somebody with HTTP alone. */
export class RestUser {
  readonly name: string;
  readonly #url: string;

  constructor(name: string, pageUrl: string) {
    this.name = name;
    this.#url = new URL('/api/v1', pageUrl).href;
  }

  /** Makes a group of this user and others, and resolves with its id. */
  async createGroup(name: string, members: readonly string[]): Promise<string> {
    const made = (await this.#ask('POST', '/groups', { name, members }, name)) as { group_id: string };
    return made.group_id;
  }

  async send(convId: string, content: string): Promise<void> {
    await this.#ask('POST', '/messages/send', { conv_id: convId, content }, content);
  }

  async markRead(convId: string, seq: number): Promise<void> {
    await this.#ask('POST', `/conversations/${encodeURIComponent(convId)}/read`, { seq });
  }

  /** Every entry of the conversation, page by page from the start. */
  async list(convId: string): Promise<RestEntry[]> {
    const entries: RestEntry[] = [];
    for (;;) {
      const from = (entries.at(-1)?.seq ?? 0) + 1;
      const path = `/conversations/${encodeURIComponent(convId)}/messages?from_seq=${from}&limit=100`;
      const page = (await this.#ask('GET', path)) as RestPage;
      entries.push(...page.entries);
      if (!page.more) return entries;
    }
  }

  /** The last seq there is. */
  async head(convId: string): Promise<number> {
    const path = `/conversations/${encodeURIComponent(convId)}/messages?limit=1`;
    return ((await this.#ask('GET', path)) as RestPage).head_seq;
  }

  /** Messages and recalled ones. */
  async history(convId: string): Promise<Shown[]> {
    const entries = await this.list(convId);
    return entries.flatMap(({ seq, user_id: sender, type, content = recalled }) =>
      type === 'message' || type === 'recalled' ? [{ seq, sender, text: content }] : [],
    );
  }

  async #ask(method: string, path: string, body?: object, idempotencyKey = ''): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        'parley-user': this.name,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === '' ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}
