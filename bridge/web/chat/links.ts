/** A piece of a text: plain, or a link to an http(s) address. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const address = /(?:https?:\/\/|www\.)[^\s<>"“”«»]+/giu;
const longestAddress = 2_048;
/** What ends a sentence rather than an address. */
const trailing = /[.,;:!?'’…*_~]+$/u;
const pairs: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Cuts a text where addresses begin and end. Joined, the pieces are the text. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(address)) {
    if (isInWord(text, match.index) || match[0].length > longestAddress) continue;
    const shown = trim(match[0]);
    const href = hrefOf(shown);
    if (href === undefined) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function isInWord(text: string, at: number): boolean {
  return at > 0 && /[\p{L}\p{N}@/.-]/u.test(text.charAt(at - 1));
}

/** Without punctuation behind, and without brackets that were opened before the address. */
function trim(matched: string): string {
  for (let shown = matched; ; ) {
    const last = shown.at(-1) ?? '';
    const opening = pairs[last];
    if (opening !== undefined && count(shown, last) > count(shown, opening)) shown = shown.slice(0, -1);
    else if (trailing.test(shown)) shown = shown.replace(trailing, '');
    else return shown;
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** Only http and https: nothing that runs, nothing that is local. */
function hrefOf(shown: string): string | undefined {
  const text = /^www\./iu.test(shown) ? `https://${shown}` : shown;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url.href : undefined;
}
