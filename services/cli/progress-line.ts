import type { Progress } from '../archive/progress.ts';
import type { CommandIo } from './command.ts';

const barWidth = 24;
/** On a terminal the line is drawn anew so often; elsewhere a line is written so often. */
const redrawMs = 100;
const lineMs = 10_000;

/** Says how far a long command is: a bar on a terminal, else a line now and then. */
export class ProgressLine implements Progress {
  readonly #io: CommandIo;
  readonly #nowMs: () => number;
  #what = '';
  #total = 0;
  #unit: 'rows' | 'bytes' = 'rows';
  #done = 0;
  #toldAtMs = 0;
  #width = 0;

  /** `nowMs`: any clock that goes on. */
  constructor({ io, nowMs }: { readonly io: CommandIo; readonly nowMs: () => number }) {
    this.#io = io;
    this.#nowMs = nowMs;
  }

  begin(what: string, total: number, unit: 'rows' | 'bytes'): void {
    this.#what = what;
    this.#total = total;
    this.#unit = unit;
    this.#done = 0;
    this.#toldAtMs = this.#nowMs();
    if (this.#io.terminal === true) this.#draw();
    else this.#io.note(`${what}\n`);
  }

  advance(count: number): void {
    this.#done += count;
    const nowMs = this.#nowMs();
    if (nowMs - this.#toldAtMs < (this.#io.terminal === true ? redrawMs : lineMs)) return;
    this.#toldAtMs = nowMs;
    if (this.#io.terminal === true) this.#draw();
    else this.#io.note(`${this.#what}: ${this.#figures()}\n`);
  }

  end(): void {
    this.#total = this.#done;
    if (this.#io.terminal === true) {
      this.#draw();
      this.#io.note('\n');
    } else this.#io.note(`${this.#what}: ${quantity(this.#done, this.#unit)}, done\n`);
    this.#width = 0;
  }

  #draw(): void {
    const filled = Math.round(barWidth * this.#part());
    const bar = `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`;
    const line = `${bar} ${this.#what}: ${this.#figures()}`;
    // What was longer before is wiped out.
    this.#io.note(`\r${line.padEnd(this.#width)}`);
    this.#width = line.length;
  }

  #figures(): string {
    return `${Math.round(100 * this.#part())}%, ${quantity(this.#done, this.#unit)}`;
  }

  /** The total may be an estimate: what is not ended is not all. */
  #part(): number {
    if (this.#total === 0) return this.#done === 0 ? 1 : 0.99;
    const part = this.#done / this.#total;
    return this.#done === this.#total ? 1 : Math.min(part, 0.99);
  }
}

function quantity(count: number, unit: 'rows' | 'bytes'): string {
  return unit === 'rows' ? `${count} rows` : `${(count / 1_000_000).toFixed(1)} MB`;
}
