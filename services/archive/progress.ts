/** Told how far an export or import is. */
export interface Progress {
  /** What is done now, and about how much there is to do. */
  begin(what: string, total: number, unit: 'rows' | 'bytes'): void;
  /** So much more is done. */
  advance(count: number): void;
  /** What was begun is done. */
  end(): void;
}
