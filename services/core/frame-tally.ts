import { Fault } from './fault.ts';
import { frameLimits } from './frame-limits.ts';
import { type FieldRules, type MessageKind, rulesOf } from './field-rules.ts';
import { walkFields } from './wire-fields.ts';

/**
 * Counts what protobuf from outside holds, before it is decoded. Throws `tooManyCommands` or `frameTooLarge`, and
 * `malformedFrame` for what a decoder might see more in than is counted here: protobuf-es does not look at the wire types
 * of fields that it knows, nor whether what is in a message or a packed list ends where that does.
 */
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
    this.#walk(rulesOf(kind), bytes, from, to);
  }

  #walk(rules: FieldRules, bytes: Uint8Array, from: number, to: number): void {
    const isSound = walkFields(bytes, from, to, (number, wireType, innerFrom, innerTo) => {
      this.#field();
      const rule = rules.get(number);
      if (rule === undefined) return;
      if (!rule.allows(wireType, bytes, innerFrom, innerTo)) throw malformed();
      if (rule.inner === undefined) return;
      this.#message();
      this.#walk(rule.inner, bytes, innerFrom, innerTo);
    });
    if (!isSound) throw malformed();
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

function malformed(): Fault {
  return new Fault('malformedFrame', { message: 'not protobuf as encoders write it' });
}

function tooMuch(): Fault {
  const { messages, fields } = frameLimits;
  return new Fault('frameTooLarge', {
    message: `at most ${messages} messages with ${fields} fields at a time`,
  });
}
