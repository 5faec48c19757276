/**
 * Told the number and the wire type of each field and, for one with a length, where its content stands; −1 twice for
 * others.
 */
type OnField = (number: number, wireType: number, from: number, to: number) => void;

/**
 * Walks over the fields of an encoded protobuf message in bytes[from, to), without decoding them. False where it is no such
 * thing, or one that no encoder writes: fields that don't end at `to`, tags and lengths of more than 32 bits, groups. What
 * decoders make of that differs, so that there may be more in it than was told.
 */
export function walkFields(bytes: Uint8Array, from: number, to: number, onField: OnField): boolean {
  let at = from;
  /** The next tag or length; −1 where there is none. */
  const uint32 = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || (shift === 28 && byte > 0x0f)) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < to) {
    const tag = uint32();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (number < 1) return false;
    if (wireType === 2) {
      const length = uint32();
      if (length < 0 || at + length > to) return false;
      onField(number, wireType, at, at + length);
      at += length;
      continue;
    }
    if (wireType === 0) while ((bytes[at++] ?? 0) >= 0x80);
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return false;
    if (at > to) return false;
    onField(number, wireType, -1, -1);
  }
  return at === to;
}
