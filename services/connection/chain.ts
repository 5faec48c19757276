/**
 * Keeps one session's sends in one conversation in order around refusals.
 *
 * Clients pipeline sends. When the owner refuses one with a retry, those behind it must not be taken before it is, or
 * the sender's order would break. So every send carries a chain number: an owner that refuses a send retryably refuses
 * all that carry this number or a lower one. Once everything is answered, the number rises, and only the refused sends
 * pass, in their first order, each sent again or skipped; anything else is refused with `retry: here` until they are
 * through. Pure; one object per conversation with sends under way.
 */
export class SendChain {
  /** Draws the next chain number; numbers of a session only rise. */
  readonly #draw: () => number;
  #number: number;
  /** Client ids under way, with their first place. */
  readonly #unanswered = new Map<string, number>();
  /** Refused with a retry, in their first order. */
  #refused: { readonly clientId: string; readonly place: number }[] = [];
  #places = 0;
  /** Everything is answered and the number has risen: the refused ones may pass. */
  #reopened = false;
  readonly #maxRefused: number;

  constructor({ draw, maxRefused }: { draw: () => number; maxRefused: number }) {
    this.#draw = draw;
    this.#number = draw();
    this.#maxRefused = maxRefused;
  }

  /** Nothing under way and nothing refused: the chain can be forgotten. */
  get idle(): boolean {
    return this.#unanswered.size === 0 && this.#refused.length === 0;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** Whether the send may pass: its chain number, or undefined when it must wait its turn. */
  admit(clientId: string): number | undefined {
    if (this.#refused.length === 0) return this.#pass(clientId, this.#places++);
    const first = this.#refused[0];
    if (!this.#reopened || first?.clientId !== clientId) return undefined;
    this.#refused.shift();
    return this.#pass(clientId, first.place);
  }

  /** A send that is refused with a retry before it was passed on (rate, commands under way) keeps its place. */
  hold(clientId: string): void {
    if (this.#refused.length === 0 && !this.#unanswered.has(clientId)) this.#refuse(clientId, this.#places++);
  }

  /** The answer of a send that passed. */
  answered(clientId: string, retry: boolean): void {
    const place = this.#unanswered.get(clientId);
    if (place === undefined) return;
    this.#unanswered.delete(clientId);
    if (retry) this.#refuse(clientId, place);
    this.#reopen();
  }

  /** The client gives a refused send up. */
  skip(clientId: string): boolean {
    const before = this.#refused.length;
    this.#refused = this.#refused.filter((one) => one.clientId !== clientId);
    return this.#refused.length < before;
  }

  #pass(clientId: string, place: number): number {
    this.#unanswered.set(clientId, place);
    return this.#number;
  }

  #refuse(clientId: string, place: number): void {
    this.#reopened = false;
    if (this.#refused.some((one) => one.clientId === clientId)) return;
    if (this.#refused.length >= this.#maxRefused) this.#refused.shift();
    const at = this.#refused.findIndex((one) => one.place > place);
    this.#refused.splice(at < 0 ? this.#refused.length : at, 0, { clientId, place });
    if (this.#unanswered.size === 0) this.#reopen();
  }

  #reopen(): void {
    if (this.#reopened || this.#refused.length === 0 || this.#unanswered.size > 0) return;
    this.#number = this.#draw();
    this.#reopened = true;
  }
}
