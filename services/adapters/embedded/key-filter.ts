import { getU32 } from '../../core/bytes.ts';

const blockWords = 8;
// Odd multipliers, one a word of a block, as in the split block Bloom filter of Putze, Sanders and Singler that Parquet
// describes: a key sets one bit in each word of one block, so that a look-up touches a single cache line.
const salts = Uint32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);
const bitsAKey = 16;
const fewestBytes = 8 * 1024 * 1024;
const mostBytes = 64 * 1024 * 1024;

/**
 * Says of most keys that they are not in a table, without asking LevelDB, where a miss is the most expensive part of a
 * message's commit once there are some million rows. It has to be told of every key: of those on disk when it begins, and
 * of each new one. Until it knows them all, every key may be there.
 */
export class KeyFilter {
  readonly #words: Uint32Array;
  readonly #mask: number;
  #complete = false;

  /** For about `keys` keys and as many again; with more it says "may be there" more often. Takes 8 to 64 MiB. */
  constructor(keys: number) {
    const wanted = Math.min(Math.max((2 * keys * bitsAKey) / 8, fewestBytes), mostBytes);
    const bytes = 2 ** Math.ceil(Math.log2(wanted));
    this.#words = new Uint32Array(bytes / 4);
    this.#mask = bytes / 4 / blockWords - 1;
  }

  /** From now on, a key that was not added is known to be absent. */
  complete(): void {
    this.#complete = true;
  }

  /** Adds a key of at least 25 bytes, of which the first names the table. */
  add(key: Buffer): void {
    const words = this.#words;
    const hash = hashOf(key);
    const block = (hash & this.#mask) * blockWords;
    const bits = mix(hash ^ getU32(key, 9));
    for (let at = 0; at < blockWords; at++)
      words[block + at] =
        (words[block + at] as number) | (1 << (Math.imul(bits, salts[at] as number) >>> 27));
  }

  mayHave(key: Buffer): boolean {
    if (!this.#complete) return true;
    const words = this.#words;
    const hash = hashOf(key);
    const block = (hash & this.#mask) * blockWords;
    const bits = mix(hash ^ getU32(key, 9));
    for (let at = 0; at < blockWords; at++) {
      const bit = 1 << (Math.imul(bits, salts[at] as number) >>> 27);
      if (((words[block + at] as number) & bit) === 0) return false;
    }
    return true;
  }
}

/** Of the six words behind the byte that names the table. */
function hashOf(key: Buffer): number {
  let hash = 0;
  for (let at = 1; at <= 21; at += 4) hash = mix(hash ^ getU32(key, at));
  return hash;
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
