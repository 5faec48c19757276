/**
 * Reads protobuf in place. Whoever calls knows that the range is whole; numbers above 2^53 (message ids) lose their low
 * bits, which nobody here looks at.
 */
export class Reader {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  open(buffer: Buffer, start: number, end: number): this {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
    return this;
  }

  varint(): number {
    const { buffer } = this;
    let byte = buffer[this.at++] as number;
    if (byte < 128) return byte;
    let value = byte & 127;
    let factor = 128;
    do {
      byte = buffer[this.at++] as number;
      value += (byte & 127) * factor;
      factor *= 128;
    } while (byte >= 128);
    return value;
  }

  /** Goes over the value of a field with this tag. */
  skip(tag: number): void {
    const wireType = tag & 7;
    if (wireType === 0) {
      while ((this.buffer[this.at++] as number) >= 128);
    } else if (wireType === 2) {
      const length = this.varint();
      this.at += length;
    } else if (wireType === 1) this.at += 8;
    else if (wireType === 5) this.at += 4;
    else throw new Error(`wire type ${wireType}`);
  }
}

/** A length-delimited field's tag. */
export const bytesTag = (field: number): number => (field << 3) | 2;
/** A varint field's tag. */
export const varintTag = (field: number): number => field << 3;
