declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** A user, named by the host application: 1–64 characters, NFC, no control characters. */
export type UserId = Branded<string, 'UserId'>;
/** A conversation: a group's id, or `d_` and a digest for two users. */
export type ConvId = Branded<string, 'ConvId'>;
/** Place in a conversation's log: an integer from 1 to 2^53 − 1; 0 means "before the first". */
export type Seq = number;
/** Time-ordered, unique in the deployment, 63 bits. */
export type MsgId = bigint;
/** The store's own number of a conversation, 63 bits, drawn like a MsgId. */
export type ConvNo = bigint;

const idMaxLength = 64;
// Controls (C0, DEL, C1), the line and paragraph separators, and lone surrogates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the point.
const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u;

/** Printable ASCII is in form C whatever stands beside it: most ids need no further look. */
function isPlain(id: string): boolean {
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/** Why a string can't be an id, in words for an error message; undefined when it can. */
export function idProblem(id: string): string | undefined {
  if (id.length === 0) return 'is empty';
  if (id.length > idMaxLength) return `is longer than ${idMaxLength} characters`;
  if (isPlain(id)) return undefined;
  if (forbidden.test(id)) return 'contains a control character or a lone surrogate';
  if (id.normalize('NFC') !== id) return 'is not in Unicode normalization form C';
  return undefined;
}

export const directPrefix = 'd_';

/** Like idProblem, for a group's id. */
export function groupIdProblem(id: string): string | undefined {
  if (id.startsWith(directPrefix))
    return `begins with ${directPrefix}, which is kept for direct conversations`;
  return idProblem(id);
}
