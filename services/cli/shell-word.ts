import { printable } from './table.ts';

/** One word for a shell, whatever people have put into it; what would not show is written out. */
export function shellWord(text: string): string {
  if (/^[\w.@:/+=-]+$/.test(text)) return text;
  if (printable(text) === text) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const escaped = [...text].map((letter) => {
    if (letter === "'" || letter === '\\') return `\\${letter}`;
    return printable(letter) === letter ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `$'${escaped.join('')}'`;
}
