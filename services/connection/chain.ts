/** How many more sends of a session may keep their place while they are refused; shared by its chains. */
export interface PlaceBudget {
  left: number;
}

interface Flight {
  readonly clientId: string;
  readonly place: number;
  /** A client may send again before it has the answer. */
  copies: number;
  /** One of the copies was taken, or refused for good. */
  settled: boolean;
}

interface Held {
  readonly clientId: string;
  readonly place: number;
  /** Whether it was the server's doing that it was refused, or the client's. */
  readonly byServer: boolean;
}

/**
 * Keeps one session's sends in one conversation in order around refusals.
 *
 * Clients pipeline sends. When the owner refuses one with a retry, those behind it must not be taken before it is, or
 * the sender's order would break. So every send carries a chain number: an owner that refuses a send retryably refuses
 * all that carry this number or a lower one. Once everything is answered, the number rises, and only the refused sends
 * pass, in their first order, each sent again or skipped; anything else waits behind them, refused with `retry: here`,
 * and has its place from then on. Pure; one object per conversation with sends under way.
 */
export class SendChain {
  /** Draws the next chain number; numbers of a session only rise. */
  readonly #draw: () => number;
  readonly #budget: PlaceBudget;
  #number: number;
  readonly #flying = new Flights();
  /** Refused with a retry, in their first order. */
  readonly #refused: Held[] = [];
  /** Their client ids; made on first use. */
  #waiting: Set<string> | undefined;
  #places = 0;
  /** Whom what is under way was passed to. */
  #owner: object | undefined;
  /** The owner has refused one, and not all are answered yet. */
  #closed = false;

  constructor({ draw, budget }: { draw: () => number; budget: PlaceBudget }) {
    this.#draw = draw;
    this.#budget = budget;
    this.#number = draw();
  }

  /** Nothing under way and nothing refused: the chain can be forgotten. */
  get idle(): boolean {
    return this.#flying.size === 0 && this.#refused.length === 0;
  }

  /**
   * Whose doing it is that a send must wait its turn: that of whoever had the first one refused. Where none was, it waits
   * for the owner.
   */
  get waitsByServer(): boolean {
    return this.#refused[0]?.byServer ?? true;
  }

  /**
   * Whether the send may pass to the owner: its chain number, or undefined when it must wait its turn (then `hold` it).
   * To another owner than before nothing passes while the former one has something to answer.
   */
  admit(clientId: string, owner?: object): number | undefined {
    if (this.#closed) return undefined;
    if (owner !== this.#owner) {
      if (this.#flying.size > 0) return undefined;
      this.#owner = owner;
    }
    const first = this.#refused[0];
    if (first === undefined) return this.#pass(clientId, this.#places++);
    if (first.clientId !== clientId) return undefined;
    this.#refused.shift();
    this.#waiting?.delete(clientId);
    this.#budget.left += 1;
    return this.#pass(clientId, first.place);
  }

  /** A send that is refused with a retry before it was passed on keeps its place. False: there is none left. */
  hold(clientId: string, byServer = true): boolean {
    if (this.#flying.get(clientId) !== undefined || this.#waiting?.has(clientId)) return true;
    if (this.#budget.left <= 0) return false;
    this.#keep(clientId, this.#places++, byServer);
    return true;
  }

  /** The answer of a send that passed. */
  answered(clientId: string, retry: boolean, byServer = true): void {
    const flight = this.#flying.get(clientId);
    if (flight === undefined) return;
    flight.copies -= 1;
    if (retry) this.#closed = true;
    else flight.settled = true;
    if (flight.copies > 0) return;
    this.#flying.delete(flight);
    if (!flight.settled) this.#keep(clientId, flight.place, byServer);
    if (!this.#closed || this.#flying.size > 0) return;
    this.#number = this.#draw();
    this.#closed = false;
  }

  /** The client gives a refused send up. */
  skip(clientId: string): void {
    if (!this.#waiting?.delete(clientId)) return;
    this.#budget.left += 1;
    this.#refused.splice(
      this.#refused.findIndex((one) => one.clientId === clientId),
      1,
    );
  }

  #pass(clientId: string, place: number): number {
    const flight = this.#flying.get(clientId);
    if (flight === undefined) this.#flying.add({ clientId, place, copies: 1, settled: false });
    else flight.copies += 1;
    return this.#number;
  }

  #keep(clientId: string, place: number, byServer: boolean): void {
    this.#waiting ??= new Set();
    this.#waiting.add(clientId);
    this.#budget.left -= 1;
    const before = this.#refused.findLastIndex((one) => one.place < place);
    this.#refused.splice(before + 1, 0, { clientId, place, byServer });
  }
}

/** Sends under way by client id. Mostly there is one at a time: it needs no map. */
class Flights {
  #only: Flight | undefined;
  #more: Map<string, Flight> | undefined;

  get size(): number {
    return (this.#only === undefined ? 0 : 1) + (this.#more?.size ?? 0);
  }

  get(clientId: string): Flight | undefined {
    return this.#only?.clientId === clientId ? this.#only : this.#more?.get(clientId);
  }

  add(flight: Flight): void {
    if (this.#only === undefined) this.#only = flight;
    else {
      this.#more ??= new Map();
      this.#more.set(flight.clientId, flight);
    }
  }

  delete(flight: Flight): void {
    if (this.#only === flight) this.#only = undefined;
    else this.#more?.delete(flight.clientId);
  }
}
