import { z } from 'zod';

/** Zod types as seen from the environment, where everything is text. */

interface TypeShape {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly items?: TypeShape;
}

function shapeOf(type: z.ZodType): TypeShape {
  return z.toJSONSchema(type, { unrepresentable: 'any' }) as TypeShape;
}

/** The text as the kind of value that the type takes; the text itself when it can't be one. */
export function parseText(type: z.ZodType, text: string): unknown {
  return convert(shapeOf(type), text);
}

function convert(shape: TypeShape, text: string): unknown {
  switch (shape.type) {
    case 'integer':
    case 'number':
      // Number() alone would take '0x10', '1e3' and ' '.
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'array':
      return text.split(',').map((item) => convert(shape.items ?? {}, item.trim()));
    default:
      return text;
  }
}

/** What the type takes, in words that finish "must be …". A description of the type itself wins. */
export function describeType(type: z.ZodType): string {
  return inWords(shapeOf(type));
}

function inWords(shape: TypeShape): string {
  if (shape.description !== undefined) return shape.description;
  if (shape.enum !== undefined) {
    return shape.enum.length === 1 ? String(shape.enum[0]) : `one of ${shape.enum.join(', ')}`;
  }
  switch (shape.type) {
    case 'integer':
      return `an integer${range(shape)}`;
    case 'number':
      return `a number${range(shape)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a comma-separated list, each ${inWords(shape.items ?? {})}`;
    default:
      return shape.format === 'uri' ? 'a URL' : `text${lengths(shape)}`;
  }
}

function range({ minimum, maximum, exclusiveMinimum }: TypeShape): string {
  // Zod bounds every integer by what a double can hold; that says nothing to a reader.
  const from = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const to = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` of at least ${from}`;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  return to === undefined ? '' : ` of at most ${to}`;
}

function lengths({ minLength, maxLength }: TypeShape): string {
  if (minLength !== undefined && maxLength !== undefined)
    return ` of ${minLength} to ${maxLength} characters`;
  if (minLength !== undefined) return ` of at least ${minLength} characters`;
  return maxLength === undefined ? '' : ` of at most ${maxLength} characters`;
}
