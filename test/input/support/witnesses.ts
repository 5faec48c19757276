import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { ConnectResponseSchema, type Event } from '../../../gen/parley/chat/v1/session_pb.ts';
import { Rest } from './rest.ts';
import { type Door, type Ports, signIn, type Visitor } from './visitor.ts';

const group = 'the witnesses';
const betweenMs = 15;

/** One of two who chat while the server is under attack. Acknowledges what comes, as it should. */
class Witness {
  readonly name: string;
  readonly #visitor: Visitor;
  /** What came, by conversation, repeats left out. */
  readonly heard = new Map<string, { readonly seq: number; readonly text: string }[]>();
  #sent = 0;
  #confirmed = 0;
  #wake: () => void = () => {};

  constructor(name: string, visitor: Visitor) {
    this.name = name;
    this.#visitor = visitor;
    visitor.session.take = (frame) => {
      for (const event of fromBinary(ConnectResponseSchema, frame).events) this.#take(event);
      this.#wake();
    };
  }

  static async open(name: string, door: Door, ports: Ports): Promise<Witness> {
    return new Witness(name, await signIn(door, ports, name));
  }

  /** Says something, and waits until it is durable and has come back here. */
  async say(convId: string): Promise<string> {
    this.#sent += 1;
    const text = `${this.name} ${this.#sent}`;
    const body = { content: { case: 'text', value: text } } as const;
    const target = { case: 'convId', value: convId } as const;
    this.#visitor.session.send({ case: 'send', value: { target, clientId: text, body } });
    await this.hears(convId, text);
    await this.#when(() => this.#confirmed === this.#sent);
    return text;
  }

  hears(convId: string, text: string): Promise<void> {
    return this.#when(() => this.heard.get(convId)?.some((one) => one.text === text) === true);
  }

  #take({ event }: Event): void {
    if (event.case === 'sent') this.#confirmed += 1;
    else if (event.case === 'error' || event.case === 'kicked')
      throw new Error(`${this.name} was told ${event.case}: ${event.value.reason}`);
    else if (event.case === 'entry' && event.value.content.case === 'message') {
      const { convId, seq, content } = event.value;
      const log = this.heard.get(convId) ?? [];
      this.heard.set(convId, log);
      if ((log.at(-1)?.seq ?? 0) < Number(seq))
        log.push({ seq: Number(seq), text: String(content.value.content.value) });
      this.#visitor.session.ack(convId, Number(seq));
    }
  }

  async #when(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#visitor.session.closed !== undefined)
        throw new Error(`${this.name} was closed: ${this.#visitor.session.closed.reason}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      // Looked at again now and then, since a close wakes nobody.
      await Promise.race([promise, pause(1_000)]);
    }
  }

  async close(): Promise<void> {
    await this.#visitor[Symbol.asyncDispose]();
  }
}

/** Two who go on chatting, one by gRPC and one by WebSocket, until they are stopped. */
export class Witnesses implements AsyncDisposable {
  readonly #witnesses: readonly [Witness, Witness];
  readonly #chat: Promise<void>;
  readonly #said: string[] = [];
  #stopped = false;

  private constructor(witnesses: readonly [Witness, Witness]) {
    this.#witnesses = witnesses;
    this.#chat = this.#run();
    // Whoever stops them hears of it.
    this.#chat.catch(() => {});
  }

  static async begin(ports: Ports): Promise<Witnesses> {
    const members = ['wilma'];
    await new Rest(ports.http)
      .as('walt')
      .ok('POST', '/api/v1/groups', { group_id: group, name: 'Witnesses', members });
    const walt = await Witness.open('walt', 'grpc', ports);
    return new Witnesses([walt, await Witness.open('wilma', 'proto', ports)]);
  }

  get said(): number {
    return this.#said.length;
  }

  async #run(): Promise<void> {
    const [walt, wilma] = this.#witnesses;
    while (!this.#stopped) {
      for (const [one, other] of [
        [walt, wilma],
        [wilma, walt],
      ] as const) {
        const text = await one.say(group);
        await other.hears(group, text);
        this.#said.push(text);
      }
      await pause(betweenMs);
    }
  }

  /** They stop; all that they said must have come to both, in order, nothing lost and nothing else between. */
  async assertHeardAll(): Promise<void> {
    this.#stopped = true;
    await this.#chat;
    for (const { name, heard } of this.#witnesses) {
      const log = heard.get(group) ?? [];
      assert.deepEqual(
        log.map(({ text }) => text),
        this.#said,
        name,
      );
      assert.deepEqual(
        log.map(({ seq }) => seq),
        this.#said.map((_, index) => index + 2),
        name,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const witness of this.#witnesses) await witness.close();
  }
}
