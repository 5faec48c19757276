import { Fault } from '../services/core/fault.ts';
import { frameLimits } from '../services/core/frame-limits.ts';

/** Nothing in the contract nests deeper than 8. */
const maxDepth = 24;

/**
 * Parses JSON from outside. Throws `malformedFrame` for what is no JSON, `frameTooLarge` for what holds more things than
 * anybody means, and `invalidField` for what JSON.parse takes without a word but can't mean: a number past 2^53 (it
 * would be rounded), a lone surrogate, nesting without end.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault('malformedFrame', { message: 'not valid JSON' });
  }
  const found = findProblem(value, 0, { objects: 0, values: 0 });
  if (found !== undefined) throw new Fault('invalidField', { message: found.message, field: found.path });
  return value;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** As parseJson, for bytes; `malformedFrame` also for what is no UTF-8. */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new Fault('malformedFrame', { message: 'not UTF-8' });
  }
  return parseJson(text);
}

/** What was seen so far. */
interface Seen {
  objects: number;
  values: number;
}

interface Found {
  readonly message: string;
  readonly path: string;
}

function findProblem(value: unknown, depth: number, seen: Seen): Found | undefined {
  if (typeof value === 'object') seen.objects += 1;
  else seen.values += 1;
  if (seen.objects > frameLimits.jsonObjects || seen.values > frameLimits.jsonValues)
    throw new Fault('frameTooLarge', { message: 'the JSON holds too many things' });
  if (typeof value === 'string') {
    return value.isWellFormed() ? undefined : { message: 'the text has a lone surrogate', path: '' };
  }
  if (typeof value === 'number') {
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER
      ? undefined
      : { message: 'a number this large loses digits in JSON: write it as a string', path: '' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === maxDepth) return { message: 'the JSON is nested too deeply', path: '' };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const found = findProblem(value[i], depth + 1, seen);
      if (found !== undefined) return within(`[${i}]`, found);
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (!key.isWellFormed()) return { message: 'a name has a lone surrogate', path: '' };
    const found = findProblem((value as Record<string, unknown>)[key], depth + 1, seen);
    if (found !== undefined) return within(key, found);
  }
  return undefined;
}

function within(step: string, found: Found): Found {
  const dot = found.path === '' || found.path.startsWith('[') ? '' : '.';
  return { message: found.message, path: `${step}${dot}${found.path}`.slice(0, 200) };
}
