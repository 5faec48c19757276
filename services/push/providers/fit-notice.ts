import type { PushNotice } from '../provider.ts';

const ellipsis = '…';
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The notice with its body, and then its title, shortened between characters until what `render` makes of it takes at
 * most `limit` bytes of JSON. Undefined where it takes more even without both.
 */
export function fitNotice(
  notice: PushNotice,
  limit: number,
  render: (notice: PushNotice) => unknown,
): PushNotice | undefined {
  const fits = (of: PushNotice): boolean => Buffer.byteLength(JSON.stringify(render(of))) <= limit;
  const { title, body, ...rest } = notice;
  // Each unit of a text takes a byte at least: what is longer than the limit need not be tried.
  if ((title ?? '').length + (body ?? '').length <= limit && fits(notice)) return notice;
  if (body !== undefined) {
    const cut = longest(body.slice(0, limit), (text) => fits({ ...notice, body: text }));
    if (cut !== undefined) return { ...notice, body: cut };
  }
  if (title === undefined) return undefined;
  if (title.length <= limit && fits({ ...rest, title })) return { ...rest, title };
  const cut = longest(title.slice(0, limit), (text) => fits({ ...rest, title: text }));
  return cut === undefined ? undefined : { ...rest, title: cut };
}

/** The longest beginning of a text that fits with an ellipsis behind it; undefined where not even one character does. */
function longest(text: string, fits: (text: string) => boolean): string | undefined {
  const ends = Array.from(characters.segment(text), ({ index }) => index).slice(1);
  let [low, high] = [0, ends.length];
  // The first `low` ends are known to fit, those from `high` on not to.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(text.slice(0, ends[middle]) + ellipsis)) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? undefined : text.slice(0, ends[low - 1]) + ellipsis;
}
