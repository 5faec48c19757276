import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import type { Random } from './random.ts';
import type { Command } from './visitor.ts';

/** Names of conversations and users that hostile commands use, good and bad ones. */
const ids = [
  'own',
  'own',
  'closed',
  'full',
  'nowhere',
  'lobby',
  'ann',
  'mallory',
  'd_nobody',
  'd_',
  '',
  ' ',
  '..',
  '__proto__',
  'constructor',
  'a\nb',
  'a\u0000',
  '\u0085',
  'a\u2028',
  'e\u0301',
  '💬',
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(5_000),
];
const seqs = [
  0n,
  1n,
  2n,
  3n,
  4n,
  99n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const texts = ['', 'x', 'hi', '\u0000', 'a\nb', '💬'.repeat(50)];
const longTexts = ['ü'.repeat(9_000), 'x'.repeat(20_000), 'x'.repeat(20_001), 'x'.repeat(100_000)];
const counts = [0, 1, 50, 200, 201, 4_294_967_295];

export class HostileValues {
  readonly #random: Random;
  #drawn = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  id(): string {
    const random = this.#random;
    if (random.chance(0.1)) return String.fromCodePoint(1 + random.below(0xd7fe));
    if (random.chance(0.2)) return `id ${random.below(1_000)}`;
    return random.pick(ids);
  }

  clientId(): string {
    this.#drawn += 1;
    return this.#random.chance(0.8) ? `c${this.#random.below(100)}.${this.#drawn % 7}` : this.id();
  }

  seq(): bigint {
    return this.#random.pick(seqs);
  }

  count(): number {
    return this.#random.pick(counts);
  }

  text(): string {
    const random = this.#random;
    if (random.chance(0.02)) return random.pick(longTexts);
    return random.chance(0.6) ? `text ${random.below(1_000)}` : random.pick(texts);
  }

  target() {
    const random = this.#random;
    if (random.chance(0.1)) return { case: undefined };
    if (random.chance(0.3)) return { case: 'to' as const, value: this.id() };
    return { case: 'convId' as const, value: this.id() };
  }

  body(): MessageInitShape<typeof MessageBodySchema> {
    const random = this.#random;
    const data = { case: 'data', value: random.bytes(random.pick([0, 1, 300])) } as const;
    const content = random.chance(0.1) ? data : ({ case: 'text', value: this.text() } as const);
    if (random.chance(0.7)) return { content };
    const attributes: Record<string, string> = {};
    for (let count = random.below(20); count > 0; count -= 1) attributes[this.id()] = this.text();
    return { content, contentType: this.id(), replyToSeq: this.seq(), attributes };
  }

  /** A command that can be encoded, whatever it asks for. */
  command(): Command {
    const random = this.#random;
    const convId = this.id();
    const seq = this.seq();
    const many = (most: number) => random.pick([0, 1, 2, 5, random.below(most + 2)]);
    switch (random.below(17)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return {
          case: 'send',
          value: { target: this.target(), clientId: this.clientId(), body: this.body() },
        };
      case 4:
        return { case: 'skip', value: { target: this.target(), clientId: this.clientId() } };
      case 5:
      case 6: {
        const item = () => ({
          convId: this.id(),
          seq: this.seq(),
          msgId: random.chance(0.3) ? this.seq() : 0n,
        });
        return { case: 'ack', value: { items: Array.from({ length: many(40) }, item) } };
      }
      case 7:
        return { case: 'read', value: { convId, seq } };
      case 8:
        return { case: 'typing', value: { convId, active: random.chance(0.5) } };
      case 9: {
        const item = () => ({
          convId: this.id(),
          headSeq: this.seq(),
          headMsgId: this.seq(),
          readSeq: this.seq(),
        });
        const known = Array.from({ length: many(30) }, item);
        return { case: 'sync', value: { known, entries: this.count(), storeEpoch: this.id() } };
      }
      case 10:
      case 11:
        return {
          case: 'list',
          value: { convId, fromSeq: seq, limit: this.count(), backward: random.chance(0.5) },
        };
      case 12:
        return { case: 'get', value: { convId, seq, msgId: random.chance(0.3) ? this.seq() : 0n } };
      case 13:
        return { case: 'recall', value: { convId, seq, clientId: this.clientId() } };
      case 14:
        return { case: 'watch', value: { userIds: Array.from({ length: many(60) }, () => this.id()) } };
      case 15:
        return { case: 'auth', value: { token: this.text().slice(0, 6_000) } };
      default:
        return random.chance(0.5)
          ? {
              case: 'hello',
              value: { userId: this.id(), deviceId: this.id(), protocolVersion: this.count() },
            }
          : { case: undefined };
    }
  }
}
