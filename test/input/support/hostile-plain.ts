import type { HostileFrame } from './hostile-frames.ts';
import { HostileValues } from './hostile-values.ts';
import type { Random } from './random.ts';

const kinds = [
  'group',
  'group',
  'group',
  'private',
  'message',
  'ack',
  'hello',
  'dance',
  '__proto__',
  7,
  null,
];
const fields = [
  'group_id',
  'conv_id',
  'to',
  'user_id',
  'sender',
  'content',
  'client_id',
  'msg_id',
  'token',
  '__proto__',
];

/** Frames as the plain dialect takes them. Few of them cost the socket. */
export class HostilePlain {
  readonly #random: Random;
  readonly #values: HostileValues;

  constructor(random: Random) {
    this.#random = random;
    this.#values = new HostileValues(random);
  }

  next(): HostileFrame {
    const random = this.#random;
    const frame: Record<string, unknown> = { type: random.pick(kinds) };
    for (let count = random.below(6); count > 0; count -= 1) frame[random.pick(fields)] = this.#value();
    if (random.chance(0.5)) Object.assign(frame, { group_id: 'own', content: this.#values.text() });
    const text = JSON.stringify(frame);
    const at = random.below(text.length + 1);
    if (random.chance(0.85)) return { frame: text, maybeFatal: false };
    switch (random.below(6)) {
      case 0:
        return { frame: text.slice(0, at), maybeFatal: false };
      case 1:
        return {
          frame: text.slice(0, at) + random.pick([...'{}[]",:\\0\u0000']) + text.slice(at),
          maybeFatal: false,
        };
      case 2:
        return { frame: random.bytes(random.below(100)), maybeFatal: false };
      case 3:
        return { frame: '['.repeat(random.pick([30, 50_000])), maybeFatal: false };
      case 4:
        return {
          frame: `[${Array(random.pick([10, 40_000]))
            .fill('1')
            .join()}]`,
          maybeFatal: false,
        };
      default:
        return random.chance(0.95)
          ? { frame: `${text}${text}`, maybeFatal: false }
          : {
              frame: JSON.stringify({ type: 'group', group_id: 'own', content: 'x'.repeat(300_000) }),
              maybeFatal: true,
            };
    }
  }

  #value(): unknown {
    const random = this.#random;
    if (random.chance(0.6)) return this.#values.id();
    return random.pick([
      7,
      -1,
      1.5,
      1e300,
      2 ** 53,
      true,
      null,
      {},
      [],
      ['own'],
      { id: 1 },
      Number(this.#values.seq()),
    ]);
  }
}
