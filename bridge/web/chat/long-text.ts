/** Texts with more lines than this are folded. */
export const collapsedLines = 16;
const longLength = 1_400;
/** Unfolding must be worth it: a text a little over the limit is shown whole. */
const slack = 4;

export function isLong(text: string): boolean {
  if (text.length > longLength) return true;
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++;
  return lines > collapsedLines + slack;
}

const emojiOnly = /^(?:\p{RGI_Emoji}\s*){1,3}$/v;

/** One to three emoji and nothing else, which are drawn large. */
export function isJumbo(text: string): boolean {
  return text.length <= 64 && emojiOnly.test(text);
}
