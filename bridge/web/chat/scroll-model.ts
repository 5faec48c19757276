/**
 * Where everything stands in a list whose rows have unknown heights, of which only those near the viewport are drawn.
 *
 * The naive way keeps scrollTop; then every row above that turns out higher than guessed, and every page of history
 * put on top, moves what the reader looks at. Here the model keeps a *place* instead: the end of the list, or a row and
 * its distance from the top of the viewport. After each change `correction` says by how much to scroll so that the
 * place stays where it was. It is relative, so that scrolling in between is not undone.
 */
export interface RowSpec {
  readonly key: string;
  /** Height to assume until the row has been measured, in px. */
  readonly estimate: number;
  /** Whether the row may be what the eye holds on to. Those that move or vanish when history is put on top may not. */
  readonly anchor: boolean;
}

export type Place =
  | { readonly t: 'end' }
  | { readonly t: 'row'; readonly key: string; readonly offset: number };

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Nearer to the end than this counts as at the end. */
const endSlackPx = 32;
/** Drawn above and below the viewport. */
const overscanPx = 800;
/** Ranges begin and end at multiples of this, so that scrolling redraws only now and then. */
const step = 8;

export class ScrollModel {
  #rows: readonly RowSpec[] = [];
  #index = new Map<string, number>();
  readonly #heights = new Map<string, number>();
  /** offsets[i] is the top of row i; the last one the height of all. */
  #offsets = new Float64Array(1);
  #viewport = 0;
  #top = 0;
  #place: Place = { t: 'end' };
  /** The reader was brought there, and did not scroll there: it holds until the rows are there that it takes. */
  #isAsked = false;

  get place(): Place {
    return this.#place;
  }

  /** Where scrollTop should be. */
  get top(): number {
    return this.#top;
  }

  get atEnd(): boolean {
    return this.#place.t === 'end';
  }

  setRows(rows: readonly RowSpec[]): void {
    this.#rows = rows;
    this.#index = new Map(rows.map((row, i) => [row.key, i]));
    this.#layOut();
  }

  /** Takes measured heights; true when one of them is news. */
  measured(heights: Iterable<readonly [key: string, px: number]>): boolean {
    let news = false;
    for (const [key, px] of heights) {
      if (Math.abs((this.#heights.get(key) ?? -1) - px) < 0.5) continue;
      this.#heights.set(key, px);
      news = true;
    }
    if (news) this.#layOut();
    return news;
  }

  resized(viewportPx: number): void {
    this.#viewport = viewportPx;
  }

  /** The reader scrolled. */
  scrolled(top: number): void {
    this.#top = top;
    this.#place = this.#placeAt(top);
    this.#isAsked = false;
  }

  /** Makes a row or the end the place; `correction` then leads there. */
  goTo(place: Place): void {
    this.#place = place;
    this.#isAsked = true;
  }

  /** By how much scrollTop must change for the place to stay where it is; the model takes it as done. */
  correction(): number {
    const target = this.#target();
    const by = target - this.#top;
    this.#top = target;
    // Rows that turned out lower than assumed may have moved the view after all. It is not moved back when others come.
    if (!this.#isAsked && !this.#isKept(target)) this.#place = this.#placeAt(target);
    return by;
  }

  /** The rows to draw. */
  range(): Range {
    const from = this.indexAt(this.#top - overscanPx);
    const to = this.indexAt(this.#top + this.#viewport + overscanPx) + 1;
    return {
      from: Math.floor(from / step) * step,
      to: Math.min(this.#rows.length, Math.ceil(to / step) * step),
    };
  }

  /** The top of row i, i from 0 to the number of rows. */
  offset(i: number): number {
    return this.#offsets[i] ?? this.height;
  }

  get height(): number {
    return this.#offsets[this.#rows.length] ?? 0;
  }

  /** The row at a height, clamped to the list. */
  indexAt(y: number): number {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.offset(middle) <= y) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** The first and the last row of which something is in view. */
  visible(): Range {
    return { from: this.indexAt(this.#top), to: this.indexAt(this.#top + this.#viewport - 1) + 1 };
  }

  has(key: string): boolean {
    return this.#index.has(key);
  }

  #layOut(): void {
    const offsets = new Float64Array(this.#rows.length + 1);
    let y = 0;
    this.#rows.forEach((row, i) => {
      offsets[i] = y;
      y += this.#heights.get(row.key) ?? row.estimate;
    });
    offsets[this.#rows.length] = y;
    this.#offsets = offsets;
  }

  #target(): number {
    const most = Math.max(0, this.height - this.#viewport);
    if (this.#place.t === 'end') return most;
    const i = this.#index.get(this.#place.key);
    if (i === undefined) return Math.min(this.#top, most);
    return Math.max(0, Math.min(this.offset(i) - this.#place.offset, most));
  }

  /** Whether the place is where it was, the top of the viewport being there. */
  #isKept(top: number): boolean {
    if (this.#place.t === 'end') return true;
    const i = this.#index.get(this.#place.key);
    return i !== undefined && Math.abs(this.offset(i) - this.#place.offset - top) < 1;
  }

  #placeAt(top: number): Place {
    if (this.height - this.#viewport - top <= endSlackPx) return { t: 'end' };
    const first = this.indexAt(top);
    let i = first;
    while (i < this.#rows.length && this.#rows[i]?.anchor === false && this.offset(i) < top + this.#viewport)
      i++;
    if (this.#rows[i]?.anchor !== true) i = first;
    const row = this.#rows[i];
    return row === undefined ? { t: 'end' } : { t: 'row', key: row.key, offset: this.offset(i) - top };
  }
}
