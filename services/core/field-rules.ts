/** What is known of a kind of message. A descriptor of protobuf-es is one. */
export interface MessageKind {
  readonly fields: readonly FieldKind[];
}

interface FieldKind {
  readonly number: number;
  readonly fieldKind: 'scalar' | 'enum' | 'message' | 'list' | 'map';
  /** By its number in descriptor.proto; of a list its elements', of a map its values'. */
  readonly scalar?: number | undefined;
  readonly mapKey?: number | undefined;
  readonly message?: MessageKind | undefined;
}

/** By the field's number. */
export type FieldRules = ReadonlyMap<number, FieldRule>;

const varint = 0;
const lengthDelimited = 2;

/** How a field that is known must stand on the wire. */
export class FieldRule {
  /** Of the message that it holds; an entry of a map is one. */
  readonly inner: FieldRules | undefined;
  readonly #wireType: number;
  /** Whether its values may stand in one piece, one after the other. */
  readonly #packable: boolean;

  constructor(
    wireType: number,
    { inner, packable = false }: { inner?: FieldRules; packable?: boolean } = {},
  ) {
    this.#wireType = wireType;
    this.inner = inner;
    this.#packable = packable;
  }

  /** A field of this wire type, with its content, where it has one, in bytes[from, to). */
  allows(wireType: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (wireType === this.#wireType) return true;
    if (wireType !== lengthDelimited || !this.#packable) return false;
    // The last value must end where the list does.
    if (this.#wireType === varint) return from === to || (bytes[to - 1] as number) < 0x80;
    return (to - from) % (this.#wireType === 1 ? 8 : 4) === 0;
  }
}

const known = new WeakMap<MessageKind, FieldRules>();

export function rulesOf(kind: MessageKind): FieldRules {
  let rules = known.get(kind);
  if (rules === undefined) {
    const made = new Map<number, FieldRule>();
    // Before its fields: a message may hold others of its kind.
    known.set(kind, made);
    for (const field of kind.fields) made.set(field.number, ruleOf(field));
    rules = made;
  }
  return rules;
}

function ruleOf(field: FieldKind): FieldRule {
  const { fieldKind, scalar, mapKey = 0, message } = field;
  const value = message === undefined ? new FieldRule(wireTypeOf(scalar)) : messageRule(rulesOf(message));
  switch (fieldKind) {
    case 'map':
      return messageRule(
        new Map([
          [1, new FieldRule(wireTypeOf(mapKey))],
          [2, value],
        ]),
      );
    case 'list': {
      const wireType = wireTypeOf(scalar);
      return message === undefined
        ? new FieldRule(wireType, { packable: wireType !== lengthDelimited })
        : value;
    }
    default:
      return value;
  }
}

function messageRule(inner: FieldRules): FieldRule {
  return new FieldRule(lengthDelimited, { inner });
}

/** Of a scalar; of an enum, which has none, that of a varint. */
function wireTypeOf(scalar: number | undefined): number {
  switch (scalar) {
    case 1: // double
    case 6: // fixed64
    case 16: // sfixed64
      return 1;
    case 2: // float
    case 7: // fixed32
    case 15: // sfixed32
      return 5;
    case 9: // string
    case 12: // bytes
      return lengthDelimited;
    default:
      return varint;
  }
}
