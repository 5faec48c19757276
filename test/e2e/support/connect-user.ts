import { type Client, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ConversationService } from '../../../gen/parley/chat/v1/conversation_pb.ts';
import { MessageService } from '../../../gen/parley/chat/v1/message_pb.ts';
import { recalled, type Shown } from './chat-page.ts';

/** Somebody who calls by the Connect protocol, over HTTP/2 without TLS. */
export class ConnectUser {
  readonly name: string;
  readonly #messages: Client<typeof MessageService>;
  readonly #conversations: Client<typeof ConversationService>;

  constructor(name: string, pageUrl: string) {
    this.name = name;
    const asUser: Interceptor = (next) => (request) => {
      request.header.set('parley-user', name);
      return next(request);
    };
    const transport = createConnectTransport({
      baseUrl: new URL(pageUrl).origin,
      httpVersion: '2',
      interceptors: [asUser],
    });
    this.#messages = createClient(MessageService, transport);
    this.#conversations = createClient(ConversationService, transport);
  }

  async send(convId: string, text: string): Promise<void> {
    const body = { content: { case: 'text', value: text } } as const;
    await this.#messages.send({
      send: { target: { case: 'convId', value: convId }, clientId: text, body },
    });
  }

  async markRead(convId: string, seq: number): Promise<void> {
    await this.#conversations.markRead({ convId, seq: BigInt(seq) });
  }

  async history(convId: string): Promise<Shown[]> {
    const { entries } = await this.#messages.listMessages({ list: { convId, limit: 200 } });
    return (entries?.entries ?? []).flatMap(({ seq, sender, content }) => {
      if (content.case === 'recalled') return [{ seq: Number(seq), sender, text: recalled }];
      if (content.case !== 'message') return [];
      return [{ seq: Number(seq), sender, text: String(content.value.content.value) }];
    });
  }
}
