import { recalled, type Shown } from './chat-page.ts';
import { type Closing, SocketUser } from './socket-user.ts';

/** Frames of `parley.v1.json`, as far as tests look at them. */
interface JsonFrame {
  readonly events?: readonly JsonEvent[];
}

interface JsonEvent {
  readonly replyTo?: number;
  readonly welcome?: { readonly userId: string };
  readonly sent?: { readonly seq: string };
  readonly error?: { readonly reason: string };
  readonly entry?: JsonEntry;
  readonly draining?: { readonly delayMs?: number };
}

interface JsonEntry {
  readonly convId: string;
  readonly seq: string;
  readonly sender: string;
  readonly message?: { readonly text: string };
  readonly recall?: { readonly targetSeq: string };
}

/** Somebody with a WebSocket and JSON, who knows the protocol's frames and nothing else of this project. */
export class JsonUser implements AsyncDisposable {
  readonly name: string;
  readonly #socket: SocketUser<JsonFrame>;
  #lastId = 0;

  private constructor(name: string, socket: SocketUser<JsonFrame>) {
    this.name = name;
    this.#socket = socket;
  }

  static async signIn(name: string, port: number, deviceId = `device of ${name}`): Promise<JsonUser> {
    const socket = await SocketUser.open<JsonFrame>(`ws://127.0.0.1:${port}/`, 'parley.v1.json');
    const user = new JsonUser(name, socket);
    const { welcome } = await user.#ask({
      hello: { deviceId, protocolVersion: 1, userId: name },
    });
    if (welcome?.userId !== name) throw new Error(`${name} was not welcome`);
    return user;
  }

  async send(convId: string, text: string): Promise<void> {
    await this.#ask({ send: { convId, clientId: text, body: { text } } });
  }

  async markRead(convId: string, seq: number): Promise<void> {
    await this.#ask({ read: { convId, seq: String(seq) } });
  }

  /** Messages as they came, repeats included; the text of those that were recalled since is gone. */
  heard(convId: string): Shown[] {
    const entries = this.#entries(convId);
    const gone = new Set(entries.flatMap(({ recall }) => (recall === undefined ? [] : [recall.targetSeq])));
    return entries.flatMap(({ seq, sender, message }) =>
      message === undefined
        ? []
        : [{ seq: Number(seq), sender, text: gone.has(seq) ? recalled : message.text }],
    );
  }

  /** Says that all that came has arrived. */
  acknowledge(convId: string): void {
    const seq = this.#entries(convId).at(-1)?.seq;
    if (seq !== undefined) this.#socket.tell({ commands: [{ ack: { items: [{ convId, seq }] } }] });
  }

  /** Waits until the server asks to go elsewhere. */
  async draining(): Promise<void> {
    await this.#socket.hears(({ events = [] }) => events.some(({ draining }) => draining !== undefined));
  }

  /** Waits until the server has closed the socket. */
  closed(): Promise<Closing> {
    return this.#socket.ends();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }

  #entries(convId: string): JsonEntry[] {
    return this.#events().flatMap(({ entry }) => (entry?.convId === convId ? [entry] : []));
  }

  #events(): JsonEvent[] {
    return this.#socket.frames.flatMap(({ events = [] }) => events);
  }

  async #ask(command: object): Promise<JsonEvent> {
    const id = ++this.#lastId;
    this.#socket.tell({ commands: [{ id, ...command }] });
    await this.#socket.hears(({ events = [] }) => events.some(({ replyTo }) => replyTo === id));
    const answer = this.#events().find(({ replyTo }) => replyTo === id) as JsonEvent;
    if (answer.error !== undefined) throw new Error(`${this.name} was refused: ${answer.error.reason}`);
    return answer;
  }
}
