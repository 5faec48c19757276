/** Counts what is under way, and has whoever brings more than there is room for wait. */
export class NoticeRoom {
  readonly #most: number;
  readonly #waits: (() => void)[] = [];
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  get full(): boolean {
    return this.#taken >= this.#most;
  }

  /** Resolves when one may have left: look again. */
  async left(): Promise<void> {
    await new Promise<void>((resolve) => this.#waits.push(resolve));
  }

  enter(): void {
    this.#taken += 1;
  }

  leave(): void {
    this.#taken -= 1;
    this.#waits.shift()?.();
  }

  /** Has all who wait look again. */
  wakeAll(): void {
    for (const wake of this.#waits.splice(0)) wake();
  }
}
