/** Lets one after the other, in the order in which they asked. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does something when all who asked before are done. */
  take<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act, act);
    this.#last = turn;
    return turn;
  }

  /** Resolves when all who asked so far are done, however it went. */
  async done(): Promise<void> {
    await this.#last.catch(() => undefined);
  }
}
