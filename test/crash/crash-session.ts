import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Command, CommandSchema, type Event } from '../../gen/parley/chat/v1/session_pb.ts';
import type { Doors } from './site.ts';
import type { Wire, WireKind } from './wire.ts';
import { openWire } from './wires.ts';

export type CommandOf = NonNullable<MessageInitShape<typeof CommandSchema>['command']>;
export type EventOf = Event['event'];
export type Reply = (event: EventOf) => void;

/** One connection: numbers commands, and hands each answer to whoever asked. */
export class CrashSession {
  readonly #wire: Wire;
  readonly #replies = new Map<number, Reply>();
  #lastId = 0;
  readonly #openedAtMs = performance.now();
  #heardAtMs = 0;
  #heard = 'nothing';

  /** `failed` is told of what answers led to that must not be: thrown here, it would leave the connection deaf. */
  constructor(o: {
    readonly kind: WireKind;
    readonly ports: Doors;
    readonly pushed: Reply;
    readonly closed: () => void;
    readonly failed: (error: unknown) => void;
  }) {
    const take = ({ replyTo, event }: Event): void => {
      this.#heardAtMs = performance.now();
      this.#heard = replyTo === 0 ? `${event.case}` : `${event.case} to ${replyTo}`;
      if (replyTo === 0) return o.pushed(event);
      const reply = this.#replies.get(replyTo);
      this.#replies.delete(replyTo);
      reply?.(event);
    };
    this.#wire = openWire(o.kind, o.ports, {
      event: (event) => {
        try {
          take(event);
        } catch (error) {
          o.failed(error);
        }
      },
      closed: o.closed,
    });
  }

  /** Sends a command in a frame of its own. */
  ask(asked: CommandOf, reply: Reply): number {
    const id = this.expect(reply);
    this.send([command(id, asked)]);
    return id;
  }

  /** A number for a command that is sent later. */
  expect(reply: Reply): number {
    this.#lastId += 1;
    this.#replies.set(this.#lastId, reply);
    return this.#lastId;
  }

  /** A command that has had an answer will have another. */
  expectMore(id: number, reply: Reply): void {
    this.#replies.set(id, reply);
  }

  /** What it has come to, for whoever asks why nothing comes. */
  get standing(): string {
    const nowMs = performance.now();
    const age = `begun ${Math.round(nowMs - this.#openedAtMs)} ms ago`;
    const heard =
      this.#heardAtMs === 0
        ? ''
        : `, last heard ${this.#heard} ${Math.round(nowMs - this.#heardAtMs)} ms ago`;
    return `connection ${age}, ${this.#wire.state}${heard}, ${this.#lastId} commands, unanswered: ${[...this.#replies.keys()].join(' ')}`;
  }

  send(commands: readonly Command[]): void {
    this.#wire.send(commands);
  }

  pause(): void {
    this.#wire.pause();
  }

  resume(): void {
    this.#wire.resume();
  }

  close(): void {
    this.#wire.close();
  }
}

export const command = (id: number, asked: CommandOf): Command =>
  create(CommandSchema, { id, command: asked });

export function describe(event: EventOf): string {
  return event.case === 'error' ? `${event.value.reason}: ${event.value.message}` : String(event.case);
}
