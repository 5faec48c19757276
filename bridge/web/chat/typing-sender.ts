/** Says that the user types: at once, again while it lasts, and once when it stops. */
export class TypingSender {
  readonly #say: (active: boolean) => void;
  #active = false;
  #saidAtMs = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(say: (active: boolean) => void) {
    this.#say = say;
  }

  typed(nowMs: number): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), idleMs);
    // Others forget after 6 s without another.
    if (this.#active && nowMs - this.#saidAtMs < repeatMs) return;
    this.#active = true;
    this.#saidAtMs = nowMs;
    this.#say(true);
  }

  stop(): void {
    clearTimeout(this.#idle);
    if (!this.#active) return;
    this.#active = false;
    this.#say(false);
  }
}

const repeatMs = 3_000;
const idleMs = 5_000;
