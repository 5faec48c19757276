const hues = 8;

/** A number from 0 to 7, always the same for the same id. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 8) % hues;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** One or two characters that stand for a name, as readers count characters: an emoji is one. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => word !== '');
  const letters = (words.length === 0 ? [name] : words.slice(0, 2)).map(firstGrapheme);
  return letters.join('').toLocaleUpperCase();
}

/** Most names begin with a plain letter: no need to ask the segmenter. */
const plain = /^[a-z0-9](?![^ -~])/iu;

function firstGrapheme(word: string): string {
  if (plain.test(word)) return word.charAt(0);
  for (const { segment } of segmenter.segment(word)) return segment;
  return '';
}
