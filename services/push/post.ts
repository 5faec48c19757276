import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { httpPost, readAway } from './http-post.ts';

export interface PosterInit {
  readonly url: URL;
  readonly ca: string | undefined;
  /** Connections at once, at most. */
  readonly connections: number;
  /** From the beginning to the status line. */
  readonly timeoutMs: number;
}

/** What a receiver said, or why it said nothing. */
export type Answer =
  | { readonly t: 'status'; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly t: 'failed'; readonly reason: string };

/**
 * Posts to one URL, over connections that are kept. The status line is the answer: redirects are not followed, and a
 * body that is large, slow or cut off costs the receiver no more than its connection.
 */
export class Poster {
  readonly #init: PosterInit;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(init: PosterInit) {
    this.#init = init;
    const options = { keepAlive: true, maxSockets: init.connections, maxFreeSockets: init.connections };
    this.#agent =
      init.url.protocol === 'https:'
        ? new HttpsAgent({ ...options, ...(init.ca === undefined ? {} : { ca: init.ca }) })
        : new HttpAgent(options);
  }

  /** Never rejects. */
  async post(headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
    const { url, timeoutMs } = this.#init;
    const answer = await httpPost({
      url,
      agent: this.#agent,
      headers: { 'content-type': 'application/json', 'user-agent': 'parley-webhooks/1', ...headers },
      body: Buffer.from(body),
      timeoutMs,
    });
    if (answer.t === 'failed') return answer;
    const { statusCode: status = 0, headers: answered } = answer.response;
    readAway(answer.response);
    return { t: 'status', status, retryAfter: answered['retry-after'] };
  }

  /** Cuts off whatever is under way. */
  close(): void {
    this.#agent.destroy();
  }
}
