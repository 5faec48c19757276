import assert from 'node:assert/strict';

export interface RestAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** REST as anybody has it who knows a URL. */
export class Rest {
  readonly #port: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(port: number, headers: Readonly<Record<string, string>> = {}) {
    this.#port = port;
    this.#headers = headers;
  }

  as(user: string): Rest {
    return this.with({ 'parley-user': encodeURIComponent(user) });
  }

  with(headers: Readonly<Record<string, string>>): Rest {
    return new Rest(this.#port, { ...this.#headers, ...headers });
  }

  /** `body` is sent as it is where it is a text, and as JSON else. */
  async call(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...this.#headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async ok(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.call(method, path, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  /** The call must be refused, in the form in which all are. */
  async refused(method: string, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.call(method, path, body);
    assert.equal(answer.body.code, answer.status);
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${JSON.stringify(answer.body)}`);
    assert.deepEqual(Object.keys(answer.body).sort(), [
      'code',
      'field',
      'message',
      'reason',
      'retry',
      'retry_after_ms',
    ]);
    return answer.body;
  }
}
