import { accepting, Receiver } from '../../../services/push/testing/receiver.ts';
import { WebhooksFile } from '../../push/support.ts';

/** Somebody who takes webhooks of messages and refuses those of new groups, and the file that tells a cluster so. */
export class MoodyWebhooks implements AsyncDisposable {
  readonly receiver: Receiver;
  /** For PARLEY_WEBHOOKS. */
  readonly path: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: { receiver: Receiver; path: string; stack: AsyncDisposableStack }) {
    this.receiver = parts.receiver;
    this.path = parts.path;
    this.#stack = parts.stack;
  }

  static async open(): Promise<MoodyWebhooks> {
    await using stack = new AsyncDisposableStack();
    const receiver = stack.use(
      await Receiver.open((received, response) =>
        received.type === 'group.created'
          ? void response.writeHead(500).end()
          : accepting(received, response),
      ),
    );
    const { path } = stack.use(
      await WebhooksFile.write(
        { name: 'app', url: receiver.url(), events: ['message.created'] },
        { name: 'moody', url: receiver.url(), events: ['group.created'] },
      ),
    );
    return new MoodyWebhooks({ receiver, path, stack: stack.move() });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
