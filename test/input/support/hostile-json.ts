import { create, toJson } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import type { HostileFrame } from './hostile-frames.ts';
import { HostileValues } from './hostile-values.ts';
import type { Random } from './random.ts';

/** Literals that stand where others are expected. */
const literals = [
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e400',
  '-0',
  '9007199254740991',
  '9007199254740993',
  '18446744073709551616',
  '"18446744073709551615"',
  '"-1"',
  '""',
  '"x"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '{}',
  '[]',
  '[[]]',
  '[null]',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
];
const names = [
  '__proto__',
  'constructor',
  'commands',
  'convId',
  'conv_id',
  'send',
  'items',
  'toString',
  '',
  '\\ud800',
];

/** Frames as the JSON dialect takes them. */
export class HostileJson {
  readonly #random: Random;
  readonly #values: HostileValues;

  constructor(random: Random) {
    this.#random = random;
    this.#values = new HostileValues(random);
  }

  next(): HostileFrame {
    const random = this.#random;
    if (random.chance(0.84)) return { frame: this.#valid(), maybeFatal: false };
    return { frame: this.#broken(), maybeFatal: true };
  }

  #valid(): string {
    const count = this.#random.pick([1, 1, 1, 1, 2, 3, 8]);
    const commands = Array.from({ length: count }, () => ({
      id: this.#random.below(2 ** 31),
      command: this.#values.command(),
    }));
    return JSON.stringify(toJson(ConnectRequestSchema, create(ConnectRequestSchema, { commands })));
  }

  #broken(): string | Uint8Array {
    const random = this.#random;
    const text = this.#valid();
    const at = random.below(text.length + 1);
    switch (random.below(10)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + random.pick([...'{}[]",:\\0ee\u0000ü']) + text.slice(at);
      case 2:
      case 3:
        return this.#replaceValue(text);
      case 4:
        return text.replace(/"\w+":/, `"${random.pick(names)}":`);
      case 5:
        return text.replace('{', `{"${random.pick(names)}":${random.pick(literals)},`);
      case 6: {
        const depth = random.pick([20, 30, 1_000, 100_000]);
        return random.chance(0.5)
          ? '['.repeat(depth) + ']'.repeat(depth)
          : `{"commands":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      }
      case 7:
        return `{"commands":[${Array(random.pick([257, 7_000]))
          .fill('{}')
          .join()}]}`;
      case 8:
        return random.bytes(random.below(100));
      default:
        return random.chance(0.9) ? random.pick(literals) : JSON.stringify({ x: 'x'.repeat(300_000) });
    }
  }

  /** Puts a literal in the place of some value. */
  #replaceValue(text: string): string {
    const values = [...text.matchAll(/(?<=[:[,])("(?:[^"\\]|\\.)*"|\d+|true|false)(?=[,}\]])/g)];
    const value = values.length === 0 ? undefined : this.#random.pick(values);
    if (value === undefined) return text;
    return (
      text.slice(0, value.index) + this.#random.pick(literals) + text.slice(value.index + value[0].length)
    );
  }
}
