import { create, toBinary } from '@bufbuild/protobuf';
import { ConnectRequestSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import { HostileValues } from './hostile-values.ts';
import type { Random } from './random.ts';

export interface HostileFrame {
  readonly frame: Uint8Array | string;
  /** Whether it may cost the session. */
  readonly maybeFatal: boolean;
}

/** Frames as gRPC and the binary dialect take them: most with hostile values, the others broken in some way. */
export class HostileFrames {
  readonly #random: Random;
  readonly #values: HostileValues;

  constructor(random: Random) {
    this.#random = random;
    this.#values = new HostileValues(random);
  }

  next(): HostileFrame {
    const random = this.#random;
    if (random.chance(0.84)) return { frame: this.#valid(), maybeFatal: false };
    if (random.chance(0.2)) return { frame: this.#odd(), maybeFatal: false };
    return { frame: this.#broken(), maybeFatal: true };
  }

  #valid(): Buffer {
    const count = this.#random.pick([1, 1, 1, 1, 2, 3, 8]);
    return this.#request(count);
  }

  #request(count: number): Buffer {
    const commands = Array.from({ length: count }, () => ({
      id: this.#random.below(2 ** 31),
      command: this.#values.command(),
    }));
    return Buffer.from(toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands })));
  }

  /** Not as anybody would write it, but right. */
  #odd(): Buffer {
    const frame = this.#valid();
    switch (this.#random.below(5)) {
      case 0:
        return Buffer.alloc(0);
      case 1:
        return Buffer.concat([frame, Buffer.from([0xfa, 0x07, 3, 1, 2, 3])]);
      case 2:
        return Buffer.concat([Buffer.from([0x7b, 0x08, 1, 0x7c]), frame]);
      case 3:
        // A command that this server doesn't know.
        return Buffer.from([0x0a, 6, 0x08, 7, 0xfa, 0x01, 1, 65]);
      default:
        return Buffer.concat([frame, this.#valid()]);
    }
  }

  #broken(): Buffer {
    const random = this.#random;
    const frame = this.#valid();
    const at = random.below(frame.length + 1);
    switch (random.below(11)) {
      case 0:
        return random.bytes(1 + random.below(200));
      case 1:
      case 2:
        for (let flips = 1 + random.below(4); flips > 0; flips -= 1) {
          const place = random.below(frame.length);
          frame[place] = (frame[place] ?? 0) ^ (1 << random.below(8));
        }
        return frame;
      case 3:
        return frame.subarray(0, at);
      case 4:
        return Buffer.concat([frame.subarray(0, at), random.bytes(1 + random.below(9)), frame.subarray(at)]);
      case 5: {
        const other = this.#valid();
        return Buffer.concat([frame.subarray(0, at), other.subarray(random.below(other.length + 1))]);
      }
      case 6:
        return Buffer.concat([
          frame.subarray(0, at),
          Buffer.alloc(1 + random.below(12), 0xff),
          frame.subarray(at),
        ]);
      case 7: {
        // Known fields with any wire type.
        const fields = Array.from({ length: 1 + random.below(6) }, () => {
          const tag = (1 + random.below(16)) * 8 + random.below(8);
          return Buffer.concat([Buffer.from([tag]), random.bytes(random.below(10))]);
        });
        const command = Buffer.concat(fields);
        return Buffer.concat([Buffer.from([0x0a, command.length]), command]);
      }
      case 8: {
        const depth = random.pick([10, 90, 101, 3_000]);
        return Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth - random.below(2), 0x7c)]);
      }
      case 9:
        return random.chance(0.5)
          ? this.#request(257)
          : Buffer.alloc(2 * random.pick([257, 70_000]), Buffer.from([0x0a, 0]));
      default:
        return random.chance(0.9) ? frame.subarray(0, at) : Buffer.alloc(262_144 + random.below(1_000), 0x0a);
    }
  }
}
