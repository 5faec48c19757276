import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import type { JsonObject } from '@bufbuild/protobuf';

/** A message with every field set to a value that tells it from its neighbours; of a oneof, the case named or the first. */
export function sample(desc: DescMessage, chosen?: string): Message {
  const init: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (field.oneof === undefined) init[field.localName] = valueOf(field);
  }
  for (const oneof of desc.oneofs) {
    const field = oneof.fields.find(({ localName }) => localName === chosen) ?? oneof.fields[0]!;
    init[oneof.localName] = { case: field.localName, value: valueOf(field) };
  }
  return create(desc, init);
}

function valueOf(field: DescField): unknown {
  switch (field.fieldKind) {
    case 'message':
      return sample(field.message);
    case 'enum':
      return field.enum.values.at(-1)!.number;
    case 'scalar':
      return scalar(field.scalar, field);
    case 'list': {
      if (field.listKind === 'message') return [sample(field.message), sample(field.message)];
      if (field.listKind === 'scalar') return [scalar(field.scalar, field), scalar(field.scalar, field)];
      return field.enum.values.map(({ number }) => number);
    }
    case 'map':
      return { key: 'value' };
  }
}

function scalar(type: ScalarType, field: DescField): unknown {
  switch (type) {
    case ScalarType.STRING:
      return `${field.localName} ä😀`;
    case ScalarType.BYTES:
      return Uint8Array.of(0, 127, 128, 255);
    case ScalarType.BOOL:
      return true;
    case ScalarType.UINT64:
    case ScalarType.INT64:
      return BigInt(Number.MAX_SAFE_INTEGER - field.number);
    default:
      return 0xffff_ff00 + field.number;
  }
}

/** The message as protobuf's JSON. */
export function jsonOf(desc: DescMessage, message: Message): JsonObject {
  return toJson(desc, message) as JsonObject;
}
