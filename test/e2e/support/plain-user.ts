import type { Shown } from './chat-page.ts';
import { SocketUser } from './socket-user.ts';

/** Frames of the plain dialect. */
export type PlainFrame =
  | { readonly type: 'ack'; readonly msg_id: string; readonly seq: number }
  | { readonly type: 'group_message' | 'private_message'; readonly data: PlainMessage }
  | { readonly type: 'error'; readonly reason: string };

interface PlainMessage {
  readonly conv_id: string;
  readonly user_id: string;
  readonly content: string;
  readonly seq: number;
}

/** Somebody with a WebSocket and no idea of any protocol. */
export class PlainUser implements AsyncDisposable {
  readonly name: string;
  readonly socket: SocketUser<PlainFrame>;

  private constructor(name: string, socket: SocketUser<PlainFrame>) {
    this.name = name;
    this.socket = socket;
  }

  static async open(name: string, port: number): Promise<PlainUser> {
    return new PlainUser(
      name,
      await SocketUser.open<PlainFrame>(`ws://127.0.0.1:${port}?user_id=${encodeURIComponent(name)}`),
    );
  }

  async send(groupId: string, content: string): Promise<void> {
    const before = this.#acks();
    this.socket.tell({ type: 'group', group_id: groupId, content });
    await this.socket.hears(() => this.#acks() > before);
  }

  /** Messages as they came, repeats included. */
  heard(convId: string): Shown[] {
    return this.socket.frames.flatMap((frame) =>
      'data' in frame && frame.data.conv_id === convId
        ? [{ seq: frame.data.seq, sender: frame.data.user_id, text: frame.data.content }]
        : [],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.socket[Symbol.asyncDispose]();
  }

  #acks(): number {
    return this.socket.frames.filter(({ type }) => type === 'ack').length;
  }
}
