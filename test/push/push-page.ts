import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a browser posts: its subscription, each push as its service worker was given it, or what went wrong. */
export interface Posted {
  readonly path: string;
  readonly body: string;
}

/** A page that subscribes to Web Push with this key, and a service worker that posts what it is pushed. */
export class PushPage implements AsyncDisposable {
  readonly posted: Posted[] = [];
  readonly #server: Server;

  private constructor(vapidPublicKey: string) {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      if (request.method === 'POST') {
        void request.toArray().then((chunks) => {
          this.posted.push({ path, body: Buffer.concat(chunks as Buffer[]).toString() });
          response.writeHead(204).end();
        });
      } else if (path === '/worker.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(worker);
      } else {
        response.writeHead(200, { 'content-type': 'text/html' }).end(page(vapidPublicKey));
      }
    });
  }

  static async open(vapidPublicKey: string): Promise<PushPage> {
    const opened = new PushPage(vapidPublicKey);
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    return opened;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Bodies posted to this path, in order. */
  at(path: string): string[] {
    return this.posted.filter((each) => each.path === path).map(({ body }) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

const worker = `
  self.addEventListener('push', (event) => {
    event.waitUntil(fetch('/pushed', { method: 'POST', body: event.data.text() }));
  });`;

function page(vapidPublicKey: string): string {
  return `<!doctype html><title>push</title><script type="module">
    const post = (path, what) => fetch(path, { method: 'POST', body: what });
    try {
      await navigator.serviceWorker.register('/worker.js');
      const registration = await navigator.serviceWorker.ready;
      const subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: '${vapidPublicKey}',
      });
      await post('/subscribed', JSON.stringify(subscription));
    } catch (error) {
      await post('/failed', String(error));
    }
  </script>`;
}
