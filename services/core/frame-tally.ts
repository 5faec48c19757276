import { Fault } from './fault.ts';
import { frameLimits } from './frame-limits.ts';
import { walkFields } from './wire-fields.ts';

/** What is known of a kind of message: which of its fields are messages themselves. A descriptor of protobuf-es is one. */
export interface MessageKind {
  readonly fields: readonly { readonly number: number; readonly message?: MessageKind | undefined }[];
}

/** Counts what protobuf from outside holds, before it is decoded. Throws `tooManyCommands` or `frameTooLarge`. */
export class FrameTally {
  #commands = 0;
  #messages = 0;
  #fields = 0;

  command(): void {
    this.#commands += 1;
    if (this.#commands <= frameLimits.commands) return;
    throw new Fault('tooManyCommands', { message: `frames have at most ${frameLimits.commands} commands` });
  }

  /** Counts the fields of the message in bytes[from, to), and of those in it. */
  message(kind: MessageKind, bytes: Uint8Array, from = 0, to = bytes.byteLength): void {
    const inner = innerKinds(kind);
    walkFields(bytes, from, to, (number, innerFrom, innerTo) => {
      this.#field();
      const innerKind = innerFrom < 0 ? undefined : inner.get(number);
      if (innerKind === undefined) return;
      this.#message();
      this.message(innerKind, bytes, innerFrom, innerTo);
    });
  }

  #message(): void {
    this.#messages += 1;
    if (this.#messages > frameLimits.messages) throw tooMuch();
  }

  #field(): void {
    this.#fields += 1;
    if (this.#fields > frameLimits.fields) throw tooMuch();
  }
}

function tooMuch(): Fault {
  const { messages, fields } = frameLimits;
  return new Fault('frameTooLarge', {
    message: `at most ${messages} messages with ${fields} fields at a time`,
  });
}

const known = new WeakMap<MessageKind, ReadonlyMap<number, MessageKind>>();

function innerKinds(kind: MessageKind): ReadonlyMap<number, MessageKind> {
  let inner = known.get(kind);
  if (inner === undefined) {
    inner = new Map(
      kind.fields.flatMap(({ number, message }) =>
        message === undefined ? [] : [[number, message] as const],
      ),
    );
    known.set(kind, inner);
  }
  return inner;
}
