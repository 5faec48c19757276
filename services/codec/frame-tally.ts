import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Fault } from '../core/fault.ts';
import { frameLimits } from '../core/frame-limits.ts';

/** The number of `commands` in a ConnectRequest. */
const commandsField = 1;

/** Counts what a frame holds, before it is decoded. Throws `tooManyCommands` or `frameTooLarge` where it is too much. */
export class FrameTally {
  #commands = 0;
  #fields = 0;

  command(): void {
    this.#commands += 1;
    if (this.#commands <= frameLimits.commands) return;
    throw new Fault('tooManyCommands', { message: `frames have at most ${frameLimits.commands} commands` });
  }

  /** Counts the fields of an encoded command, and of the messages in it. What is wrong with them is for others to say. */
  commandFields(command: Uint8Array): void {
    this.#walk(command, (_, message) => this.#walk(message, undefined));
  }

  /** Counts commands and fields of a whole frame. */
  frame(frame: Uint8Array): void {
    this.#walk(frame, (number, message) => {
      if (number !== commandsField) return;
      this.command();
      this.commandFields(message);
    });
  }

  #walk(message: Uint8Array, inner: ((number: number, message: Uint8Array) => void) | undefined): void {
    const reader = new BinaryReader(message);
    try {
      while (reader.pos < message.byteLength) {
        const [number, wireType] = reader.tag();
        this.#field();
        if (inner !== undefined && wireType === WireType.LengthDelimited) inner(number, reader.bytes());
        else reader.skip(wireType, number);
      }
    } catch (error) {
      if (error instanceof Fault) throw error;
    }
  }

  #field(): void {
    this.#fields += 1;
    if (this.#fields <= frameLimits.fields) return;
    throw new Fault('frameTooLarge', { message: `frames have at most ${frameLimits.fields} fields` });
  }
}
