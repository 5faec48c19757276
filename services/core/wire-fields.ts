/**
 * Told the number and the wire type of each field and, for one with a length, where its content stands; −1 twice for
 * others. What is inside a group, which is nobody's, has the number 0.
 */
type OnField = (number: number, wireType: number, from: number, to: number) => void;

/**
 * Walks over the fields of an encoded protobuf message in bytes[from, to), without decoding them. False where it is no such
 * thing, or one that no encoder writes: fields that don't end at `to`, tags and lengths of more than 32 bits, groups that don't
 * end. What decoders make of that differs, so that there may be more in it than was told.
 */
export function walkFields(bytes: Uint8Array, from: number, to: number, onField: OnField): boolean {
  let at = from;
  /** The groups around it. */
  const groups: number[] = [];
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
    const told = groups.length === 0 ? number : 0;
    if (wireType === 2) {
      const length = uint32();
      if (length < 0 || at + length > to) return false;
      onField(told, wireType, at, at + length);
      at += length;
      continue;
    }
    if (wireType === 4) {
      if (groups.pop() !== number) return false;
      continue;
    }
    if (wireType === 3) groups.push(number);
    else if (wireType === 0) while ((bytes[at++] ?? 0) >= 0x80);
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else return false;
    if (at > to) return false;
    onField(told, wireType, -1, -1);
  }
  return at === to && groups.length === 0;
}
