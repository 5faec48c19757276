const gap = '  ';

/** Rows under their headings, in columns; those of numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, at) =>
    Math.max(width(heading), ...rows.map((row) => width(row[at] ?? ''))),
  );
  const right = headings.map((_, at) => rows.length > 0 && rows.every((row) => isNumber(row[at] ?? '')));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => {
        const space = ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(cell)));
        return right[at] ? space + cell : cell + space;
      })
      .join(gap)
      .trimEnd();
  return [headings.map((heading) => heading.toUpperCase()), ...rows]
    .map((cells) => `${line(cells)}\n`)
    .join('');
}

/** As a text of this many letters stands on a terminal; what people name themselves may move the cursor, and must not. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the point.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

function isNumber(cell: string): boolean {
  return cell === '' || cell === '–' || /^-?[\d.,]+( ?(ms|s|%|[KMG]iB|B))?$/.test(cell);
}

function width(text: string): number {
  return [...text].length;
}
