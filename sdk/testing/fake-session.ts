import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import {
  type Command,
  ConnectRequestSchema,
  ConnectResponseSchema,
  type Event,
  EventSchema,
  type Send,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { SessionStream, StreamHandlers } from '../transport.ts';
import type { FakeServer } from './fake-server.ts';

type EventContent = Event['event'];
export type Refusal = { readonly reason: string; readonly retry: Retry; readonly retryAfterMs?: number };

/** The sends of a session in one conversation, as the server keeps them in order around refusals. */
interface Chain {
  /** Passed and not yet decided, in order. */
  passed: { readonly commandId: number; readonly send: Send; readonly place: number }[];
  /** Refused with a retry, in their first order. */
  refused: { readonly clientId: string; readonly place: number }[];
  places: number;
}

/** A session on the fake server: decodes frames, answers with frames, a turn of the event loop later. */
export class FakeSession implements SessionStream {
  readonly #server: FakeServer;
  readonly #handlers: StreamHandlers;
  readonly #chains = new Map<string, Chain>();
  userId = '';
  deviceId = '';
  /** Pushes are withheld: they are announced as gaps later. */
  lagging = false;
  #open = true;
  /** The client is gone: it hears nothing more, not even what was on its way. */
  #hungUp = false;
  /** A dead line: nothing gets through in either direction, and nobody is told. */
  dead = false;

  constructor(server: FakeServer, handlers: StreamHandlers) {
    this.#server = server;
    this.#handlers = handlers;
  }

  send(frame: Uint8Array): void {
    const copy = frame.slice();
    setImmediate(() => {
      if (!this.#open || this.dead) return;
      const { commands } = fromBinary(ConnectRequestSchema, copy);
      this.#server.commandCounts.push(commands.length);
      for (const command of commands) if (this.#open) this.#command(command);
    });
  }

  close(): void {
    this.#hungUp = true;
    this.#end();
  }

  /** The server, or the network, ends it. */
  cut(code: number, reason = ''): void {
    if (!this.#open) return;
    this.#end();
    setImmediate(() => {
      if (!this.#hungUp) this.#handlers.onClose(code, reason);
    });
  }

  tell(replyTo: number, event: EventContent): void {
    if (!this.#open || this.dead) return;
    const frame = toBinary(
      ConnectResponseSchema,
      create(ConnectResponseSchema, { events: [create(EventSchema, { replyTo, event })] }),
    );
    setImmediate(() => {
      if (!this.#hungUp && !this.dead) this.#handlers.onFrame(frame);
    });
  }

  refuse(replyTo: number, { reason, retry, retryAfterMs = 0 }: Refusal): void {
    this.tell(replyTo, {
      case: 'error',
      value: create(EventSchema, {
        event: { case: 'error', value: { reason, retry, retryAfterMs, code: 14 } },
      }).event.value as Extract<EventContent, { case: 'error' }>['value'],
    });
  }

  #end(): void {
    this.#open = false;
    this.#server.gone(this);
  }

  #command({ id, command }: Command): void {
    if (command.case === 'hello') {
      this.#server.hello(this, id, command.value);
      return;
    }
    if (this.userId === '') {
      this.refuse(id, { reason: 'helloExpected', retry: Retry.NEVER });
      this.cut(4401, 'helloExpected');
      return;
    }
    if (command.case === 'send') this.#send(id, command.value);
    else if (command.case === 'skip') {
      const chain = this.#chains.get(this.#server.convIdOf(this.userId, command.value.target));
      if (chain !== undefined)
        chain.refused = chain.refused.filter((one) => one.clientId !== command.value.clientId);
      this.#server.pong(this, id);
    } else this.#server.command(this, id, command);
  }

  #send(id: number, send: Send): void {
    const convId = this.#server.convIdOf(this.userId, send.target);
    let chain = this.#chains.get(convId);
    if (chain === undefined) {
      chain = { passed: [], refused: [], places: 0 };
      this.#chains.set(convId, chain);
    }
    let place = chain.places++;
    const [first] = chain.refused;
    if (first !== undefined) {
      // Only the refused ones pass, in their first order.
      if (first.clientId !== send.clientId) {
        this.refuse(id, { reason: 'outOfOrder', retry: Retry.HERE, retryAfterMs: 50 });
        return;
      }
      chain.refused.shift();
      place = first.place;
    }
    chain.passed.push({ commandId: id, send, place });
    if (chain.passed.length > 1) return;
    setImmediate(() => this.#decide(convId, chain));
  }

  /** Decides all that has gathered, like a batch: after a retryable refusal the rest is refused, too. */
  #decide(convId: string, chain: Chain): void {
    if (!this.#open) return;
    const batch = chain.passed;
    chain.passed = [];
    let refusal: Refusal | undefined;
    for (const { commandId, send, place } of batch) {
      refusal ??= this.#server.nextRefusal(convId);
      if (refusal === undefined) {
        this.#server.commit(this, commandId, convId, send);
      } else {
        this.refuse(commandId, refusal);
        if (refusal.retry === Retry.NEVER) refusal = undefined;
        else chain.refused.push({ clientId: send.clientId, place });
      }
    }
    chain.refused.sort((one, other) => one.place - other.place);
  }
}
