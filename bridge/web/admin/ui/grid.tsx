import type { ComponentChildren } from 'preact';
import './grid.css';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Stands to the right. */
  readonly numeric?: boolean;
  /** Stays on one line, where there is room. */
  readonly short?: boolean;
}

interface GridProps<Row> {
  /** For those who do not see it. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** A table; on a narrow screen each row is a card. */
export function Grid<Row>({ caption, columns, rows, keyOf }: GridProps<Row>) {
  return (
    <div class="grid-frame">
      <table class="grid">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, numeric }) => (
              <th key={title} scope="col" class={numeric ? 'grid-numeric' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, numeric, short }) => (
                <td
                  key={title}
                  data-title={title}
                  class={numeric ? 'grid-numeric' : short ? 'grid-short' : undefined}
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
