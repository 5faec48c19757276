/** Told the number of each field and, for one with a length, where it stands; −1 twice for others. */
type OnField = (number: number, from: number, to: number) => void;

/**
 * Walks over the fields of an encoded protobuf message in bytes[from, to), without decoding them. Stops without a word
 * where it is no such thing: that is for a decoder to say.
 */
export function walkFields(bytes: Uint8Array, from: number, to: number, onField: OnField): void {
  let at = from;
  while (at < to) {
    let tag = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) return;
      tag += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        while ((bytes[at++] ?? 0) >= 0x80);
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        let length = 0;
        for (let shift = 0; ; shift += 7) {
          const byte = bytes[at++];
          if (byte === undefined || shift > 63) return;
          length += (byte & 0x7f) * 2 ** shift;
          if (byte < 0x80) break;
        }
        if (at + length > to) return;
        onField(number, at, at + length);
        at += length;
        continue;
      }
      case 3:
      case 4:
        // The content of a group stands between its two tags.
        break;
      case 5:
        at += 4;
        break;
      default:
        return;
    }
    onField(number, -1, -1);
  }
}
