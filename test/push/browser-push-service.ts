import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { H2Service, type Reply, type ServiceRequest } from '../../services/push/testing/h2-service.ts';
import { vapidRefusal } from '../../services/push/testing/web-push-service.ts';

interface Channel {
  readonly browser: WebSocket;
  readonly channelId: string;
  /** The key that alone may send there. */
  readonly key: string;
}

/** What a browser says that we listen to. */
interface Said {
  readonly messageType: string;
  readonly uaid?: string;
  readonly channelID?: string;
  readonly key?: string;
}

/**
 * A push service for real browsers of Mozilla's: they subscribe over a WebSocket, and get over it what is posted to
 * their endpoints. It passes on what it can't read.
 */
export class BrowserPushService extends H2Service {
  readonly #sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  readonly #channels = new Map<string, Channel>();
  passedOn = 0;

  /** Where browsers connect: the preference `dom.push.serverURL`. */
  async start(): Promise<string> {
    await this.listen();
    this.#sockets.on('connection', (browser) => {
      browser
        .on('error', () => {})
        .on('message', (text) => this.#hear(browser, JSON.parse(String(text)) as Said));
    });
    if (this.#sockets.address() === null) await once(this.#sockets, 'listening');
    return `ws://127.0.0.1:${(this.#sockets.address() as AddressInfo).port}/`;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const browser of this.#sockets.clients) browser.terminate();
    this.#sockets.close();
    await super[Symbol.asyncDispose]();
  }

  protected override answer({ path, headers, body }: ServiceRequest): Reply {
    const channel = this.#channels.get(path);
    if (channel === undefined) return { status: 404 };
    const status = vapidRefusal(headers, channel.key, this.nowSeconds);
    if (status !== undefined) return { status };
    const notification = {
      messageType: 'notification',
      channelID: channel.channelId,
      version: randomUUID(),
      data: body.toString('base64url'),
      headers: { encoding: headers['content-encoding'] },
    };
    channel.browser.send(JSON.stringify(notification));
    this.passedOn += 1;
    return { status: 201 };
  }

  #hear(browser: WebSocket, { messageType, uaid, channelID: channelId = '', key = '' }: Said): void {
    const say = (words: object): void => browser.send(JSON.stringify({ messageType, status: 200, ...words }));
    if (messageType === 'hello') {
      say({ uaid: uaid || randomUUID().replaceAll('-', ''), use_webpush: true });
    } else if (messageType === 'register') {
      const path = `/wpush/v2/${randomBytes(24).toString('base64url')}`;
      // Browsers pad it, servers that sign don't.
      this.#channels.set(path, { browser, channelId, key: key.replace(/=+$/, '') });
      say({ channelID: channelId, pushEndpoint: `${this.origin}${path}` });
    }
  }
}
