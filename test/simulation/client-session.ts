import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type Command,
  ConnectRequestSchema,
  ConnectResponseSchema,
  type Event,
} from '../../gen/parley/chat/v1/session_pb.ts';
import { command, type CommandOf, type EventOf, type Reply } from '../crash/crash-session.ts';
import type { Actor } from './scheduler.ts';
import type { ClientConnection, ClientEnd, SimDoor } from './sim-door.ts';

/** A simulated client's session: numbers its commands, and hands each answer to whoever asked. */
export class ClientSession implements ClientEnd {
  readonly actor: Actor;
  readonly #connection: ClientConnection;
  readonly #pushed: (event: EventOf) => void;
  readonly #closed: (code: number, reason: string) => void;
  readonly #replies = new Map<number, Reply>();
  #lastId = 0;
  #over = false;

  constructor(parts: {
    actor: Actor;
    door: SimDoor;
    pushed: (event: EventOf) => void;
    closed: (code: number, reason: string) => void;
  }) {
    this.actor = parts.actor;
    this.#pushed = parts.pushed;
    this.#closed = parts.closed;
    this.#connection = parts.door.connect(this);
  }

  get connection(): ClientConnection {
    return this.#connection;
  }

  /** Sends a command in a frame of its own; `reply` is called once, or not at all. */
  ask(asked: CommandOf, reply: Reply): number {
    const id = this.expect(reply);
    this.send([command(id, asked)]);
    return id;
  }

  expect(reply: Reply): number {
    this.#lastId += 1;
    this.#replies.set(this.#lastId, reply);
    return this.#lastId;
  }

  /** A command that has had an answer will have another. */
  expectMore(id: number, reply: Reply): void {
    this.#replies.set(id, reply);
  }

  send(commands: readonly Command[]): void {
    if (this.#over) return;
    this.#connection.send(
      toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: [...commands] })),
    );
  }

  /** The client closes it, and hears nothing more. */
  close(): void {
    this.#over = true;
    this.#connection.close();
  }

  frame(frame: Uint8Array): void {
    for (const event of fromBinary(ConnectResponseSchema, frame).events) this.#take(event);
  }

  closed(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed(code, reason);
  }

  #take({ replyTo, event }: Event): void {
    if (this.#over) return;
    if (replyTo === 0) {
      this.#pushed(event);
      return;
    }
    const reply = this.#replies.get(replyTo);
    this.#replies.delete(replyTo);
    reply?.(event);
  }
}
