import { Fault, type FaultReason } from '../core/fault.ts';
import { Reader } from './reader.ts';
import { utf16Length } from './utf8.ts';

const maxBodyBytes = 64 * 1024;
const maxContentTypeLength = 100;
const maxTextLength = 20_000;
const maxDataBytes = 60 * 1024;
const maxAttributes = 16;
const maxKeyLength = 64;
const maxValueLength = 1024;

/**
 * Checks an encoded `parley.chat.v1.MessageBody` against the limits in entry.proto; undefined when it may be stored and
 * passed on as it is. `path` names it in the fault's field.
 *
 * Bodies reach other people's decoders byte for byte, so this is stricter than any of them: nothing runs past its end,
 * known fields have their wire type, varints have at most 10 bytes, tags and lengths at most 5, and there are no groups
 * (which would nest deeper in a page than they did in a send). Unknown fields pass: a later version may know them. Of
 * repeated fields the last one counts, and each must keep the limits.
 */
export function checkBody(body: Uint8Array, path = 'send.body'): Fault | undefined {
  if (body.byteLength > maxBodyBytes)
    return refuse('contentTooLarge', path, `is more than ${maxBodyBytes} bytes encoded`);
  try {
    return scan(new Reader(body), body.byteLength, path);
  } catch {
    return refuse('invalidField', path, 'is no well-formed MessageBody');
  }
}

function scan(reader: Reader, end: number, path: string): Fault | undefined {
  /** Bytes of the content that counts; −1 while there is none. */
  let content = -1;
  let attributes = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0x20) {
      if (reader.uint64() > Number.MAX_SAFE_INTEGER)
        return refuse('seqOutOfRange', `${path}.reply_to_seq`, 'is 2^53 or more');
      continue;
    }
    if (tag >>> 3 > 5) {
      skip(reader, tag, end);
      continue;
    }
    const fieldEnd = reader.end(end);
    const size = fieldEnd - reader.pos;
    let fault: Fault | undefined;
    if (tag === 0x0a) {
      fault = checkText(reader, fieldEnd, 'invalidField', `${path}.content_type`, maxContentTypeLength);
    } else if (tag === 0x12) {
      content = size;
      fault = checkText(reader, fieldEnd, 'contentTooLarge', `${path}.text`, maxTextLength);
    } else if (tag === 0x1a) {
      content = size;
      if (size > maxDataBytes)
        fault = refuse('contentTooLarge', `${path}.data`, `is longer than ${maxDataBytes} bytes`);
    } else if (tag === 0x2a) {
      attributes += 1;
      fault =
        attributes > maxAttributes
          ? refuse('invalidField', `${path}.attributes`, `has more than ${maxAttributes} keys`)
          : checkAttribute(reader, fieldEnd, `${path}.attributes`);
    } else return refuse('invalidField', path, 'has a field of the wrong type');
    if (fault !== undefined) return fault;
    reader.pos = fieldEnd;
  }
  return content > 0 ? undefined : refuse('emptyContent', path, 'has neither text nor data');
}

/** One entry of the map: key is field 1, value field 2, either left out when empty. */
function checkAttribute(reader: Reader, end: number, path: string): Fault | undefined {
  let keyLength = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const fieldEnd = reader.end(end);
    const fault =
      tag === 0x0a
        ? checkText(reader, fieldEnd, 'invalidField', path, maxKeyLength)
        : tag === 0x12
          ? checkText(reader, fieldEnd, 'invalidField', path, maxValueLength)
          : refuse('invalidField', path, 'has an entry with more than key and value');
    if (fault !== undefined) return fault;
    if (tag === 0x0a) keyLength = fieldEnd - reader.pos;
    reader.pos = fieldEnd;
  }
  return keyLength > 0 ? undefined : refuse('invalidField', path, 'has an empty key');
}

function checkText(
  reader: Reader,
  end: number,
  tooLong: FaultReason,
  field: string,
  maxLength: number,
): Fault | undefined {
  const length = utf16Length(reader.buf, reader.pos, end);
  if (length < 0) return refuse('invalidField', field, 'is not valid UTF-8');
  return length > maxLength
    ? refuse(tooLong, field, `has text longer than ${maxLength} characters`)
    : undefined;
}

/** Passes over an unknown field; throws where it is a group, or no field. */
function skip(reader: Reader, tag: number, end: number): void {
  const wireType = tag & 7;
  if (wireType === 0) reader.uint64();
  else if (wireType === 1) reader.pos += 8;
  else if (wireType === 2) reader.pos = reader.end(end);
  else if (wireType === 5) reader.pos += 4;
  else throw new TypeError('neither a field nor a group that may stand here');
  if (reader.pos > end) throw new RangeError('runs past the end');
}

function refuse(reason: FaultReason, field: string, problem: string): Fault {
  return new Fault(reason, { field, message: `${field} ${problem}` });
}
