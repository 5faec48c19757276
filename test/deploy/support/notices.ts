import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../e2e/support/until.ts';

/** An alert as Alertmanager tells of it. */
export interface Notice {
  /** Which receiver it is for. */
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Body {
  readonly alerts: readonly Omit<Notice, 'receiver'>[];
}

/** Whoever is called: takes what Alertmanager sends to its receivers. */
export class Notices implements AsyncDisposable {
  readonly received: Notice[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as Body;
        const receiver = (request.url ?? '').slice(1);
        for (const { status, labels, annotations } of alerts)
          this.received.push({ receiver, status, labels, annotations });
        response.writeHead(204).end();
      });
    });
  }

  static async open(): Promise<Notices> {
    const notices = new Notices();
    notices.#server.listen(0, '127.0.0.1');
    await once(notices.#server, 'listening');
    return notices;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All that came of an alert. */
  of(alert: string): Notice[] {
    return this.received.filter(({ labels }) => labels['alertname'] === alert);
  }

  /** Resolves with the first notice of this kind, once it has come. */
  async hears(alert: string, status: Notice['status'], withinMs: number): Promise<Notice> {
    const wanted = () => this.of(alert).find((notice) => notice.status === status);
    await until(
      () => wanted() !== undefined,
      () =>
        `${alert} is not ${status}; ${this.received.map(({ labels, ...of }) => `${labels['alertname']} ${of.status}`).join(', ')}`,
      withinMs,
    );
    return wanted() as Notice;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}
