import { create, fromBinary } from '@bufbuild/protobuf';
import { ErrorSchema } from '../../../gen/parley/chat/v1/error_pb.ts';
import {
  type Command,
  HelloSchema,
  KickedSchema,
  PingSchema,
  type Welcome,
  WelcomeSchema,
} from '../../../gen/parley/chat/v1/session_pb.ts';
import { commandFrame } from './commands.ts';
import { eventField, EventScanner, type EventSink } from './events.ts';
import type { Transport } from './transport.ts';
import type { PayloadSink } from '../ws-connection.ts';

const helloId = 1;
/** Numbers for requests that somebody waits for: above hello, below the numbers of sends. */
const firstRequestId = 2;
const lastRequestId = 1 << 20;

/** What arrived, where it is only good during the call. */
export type Answer = (field: number, buffer: Buffer, start: number, end: number) => void;

/** A signed-in session: hello, heartbeats, and requests that are answered. What else arrives goes to subclasses. */
export abstract class Session implements EventSink, PayloadSink {
  protected readonly transport: Transport;
  protected welcome: Welcome | undefined;
  readonly #scanner: EventScanner;
  readonly #user: string;
  readonly #device: string;
  readonly #answers = new Map<number, Answer>();
  #nextId = firstRequestId;
  #lastWriteMs = 0;
  #opened: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(o: { user: string; device?: string; connect: (sink: PayloadSink) => Transport }) {
    this.#user = o.user;
    this.#device = o.device ?? 'bench';
    this.transport = o.connect(this);
    this.#scanner = new EventScanner(this);
  }

  async open(): Promise<void> {
    const opened = new Promise<void>((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
    // It may end while the transport still opens: whoever opens it hears of that below.
    opened.catch(() => undefined);
    await this.transport.open();
    this.write(
      commandFrame(this.transport, helloId, {
        case: 'hello',
        value: create(HelloSchema, { userId: this.#user, deviceId: this.#device, protocolVersion: 1 }),
      }),
    );
    await opened;
  }

  close(): void {
    this.transport.destroy();
  }

  /** Sends a command whose answers come to `answer` until it says it has them all. */
  request(command: Command['command'], answer: Answer): number {
    const id = this.#nextId;
    this.#nextId = id === lastRequestId ? firstRequestId : id + 1;
    this.#answers.set(id, answer);
    this.write(commandFrame(this.transport, id, command));
    return id;
  }

  answered(id: number): void {
    this.#answers.delete(id);
  }

  protected write(frame: Buffer): void {
    this.#lastWriteMs = performance.now();
    this.transport.write(frame);
  }

  visit(nowMs: number): void {
    const interval = this.welcome?.pingIntervalMs ?? 0;
    if (interval > 0 && nowMs - this.#lastWriteMs > interval * 0.8)
      this.write(commandFrame(this.transport, 0, { case: 'ping', value: create(PingSchema) }));
  }

  payload(buffer: Buffer, start: number, end: number): void {
    this.#scanner.feed(buffer, start, end);
  }

  event(
    field: number,
    replyTo: number,
    buffer: Buffer,
    start: number,
    end: number,
    itemStart: number,
    itemEnd: number,
  ): void {
    if (field === eventField.entry) this.entry(buffer, start, end, itemStart, itemEnd);
    else if (replyTo > lastRequestId) this.sendAnswered(field, replyTo, buffer, start, end);
    else if (replyTo === helloId) this.#welcomed(field, buffer, start, end);
    else if (replyTo !== 0) this.#answers.get(replyTo)?.(field, buffer, start, end);
    else if (field === eventField.kicked) {
      const { reason, message } = fromBinary(KickedSchema, buffer.subarray(start, end));
      this.ended(`kicked: ${reason} ${message}`);
    } else this.pushed(field, buffer, start, end);
  }

  #welcomed(field: number, buffer: Buffer, start: number, end: number): void {
    if (field === eventField.welcome) {
      this.welcome = fromBinary(WelcomeSchema, Buffer.from(buffer.subarray(start, end)));
      this.#opened?.resolve();
    } else this.#opened?.reject(new Error(`hello refused: ${errorText(buffer, start, end)}`));
    this.#opened = undefined;
  }

  ended(why: string): void {
    this.#opened?.reject(new Error(why));
    this.#opened = undefined;
  }

  /** A live entry. `itemStart` to `itemEnd` is the event with its tag. */
  protected entry(_b: Buffer, _start: number, _end: number, _itemStart: number, _itemEnd: number): void {}
  protected sendAnswered(_field: number, _id: number, _b: Buffer, _start: number, _end: number): void {}
  protected pushed(_field: number, _b: Buffer, _start: number, _end: number): void {}
}

export function errorText(buffer: Buffer, start: number, end: number): string {
  const { reason, message, field } = fromBinary(ErrorSchema, buffer.subarray(start, end));
  return `${reason} ${message} ${field}`.trim();
}
