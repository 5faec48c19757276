import type { Client, Traffic } from './client.ts';
import { Histogram, type Latency } from './histogram.ts';
import type { Ledger, LedgerResult } from './ledger.ts';
import { openLoop, settled } from './open-loop.ts';
import type { PageBook } from './page-book.ts';
import { Schedule } from './schedule.ts';

export interface PassRequest {
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** How long to wait, after the last send, for what is still under way. */
  readonly drainMs: number;
  /** Throw one delivery away, to see that it is noticed. */
  readonly dropOne?: boolean;
}

export interface PassResult extends LedgerResult {
  readonly ratePerSecond: number;
  /** From the first send to the last delivery. */
  readonly wallMs: number;
  /** How late the generator itself was with its sends. */
  readonly lag: Latency;
  /** Share of one core that the generator used. */
  readonly generatorCpu: number;
}

const visitsEveryMs = 20;
/** Each client is visited once in this many rounds of visits. */
const visitRounds = 20;

/**
 * Open loop: messages leave when they are due, however slow the answers are. Runs one pass after the other over the
 * same connections.
 */
export class Load {
  readonly #clients: readonly Client[];
  readonly #traffic: Traffic;
  readonly #visits: NodeJS.Timeout;
  #round = 0;
  #nextK: number;

  /** `firstK`: the number of its first message. One that was sent before would be taken for the same message. */
  constructor(clients: readonly Client[], traffic: Traffic, firstK: number) {
    this.#nextK = firstK;
    this.#clients = clients;
    this.#traffic = traffic;
    this.#visits = setInterval(() => this.#visit(), visitsEveryMs);
  }

  /** The number of the message after the last. */
  get nextK(): number {
    return this.#nextK;
  }

  /** Sends messages. */
  pass(request: PassRequest): Promise<PassResult> {
    const { ledger, reference, topology } = this.#traffic;
    return this.#run(request, ledger, (schedule) => {
      reference?.begin();
      this.#traffic.dropOne = request.dropOne ?? false;
      this.#nextK = schedule.endK;
      return (k) => {
        const conversation = topology.conversationFor(k);
        const side = topology.senderSideFor(k);
        ledger.sending(k, conversation, side);
        this.#client(conversation, side).send(k, conversation, side);
      };
    });
  }

  /** Asks for pages of history. */
  pages(request: PassRequest): Promise<PassResult> {
    const { pages, topology } = this.#traffic;
    return this.#run(request, pages, () => (k) => {
      const conversation = topology.conversationFor(k);
      const side = topology.senderSideFor(k);
      this.#client(conversation, side).page?.(k, conversation, side);
    });
  }

  close(): void {
    clearInterval(this.#visits);
    for (const client of this.#clients) client.close();
  }

  async #run(
    request: PassRequest,
    book: Ledger | PageBook,
    begin: (schedule: Schedule) => (k: number) => void,
  ): Promise<PassResult> {
    const schedule = new Schedule({ ...request, firstK: this.#nextK, startMs: performance.now() + 20 });
    book.begin(schedule);
    const send = begin(schedule);
    const cpu = process.cpuUsage();
    const lag = new Histogram();
    await openLoop(schedule, lag, send);
    // What is broken already needs no waiting.
    await settled(() => book.complete || book.violations.total > 0, request.drainMs);
    const used = process.cpuUsage(cpu);
    const wallMs = performance.now() - schedule.startMs;
    return {
      ...book.result(),
      ratePerSecond: request.ratePerSecond,
      wallMs: Math.round(wallMs),
      lag: lag.summary(),
      generatorCpu: Math.round((used.user + used.system) / wallMs / 10) / 100,
    };
  }

  #client(conversation: number, side: number): Client {
    return this.#clients[this.#traffic.topology.member(conversation, side)] as Client;
  }

  /** Visits a slice of the clients, so that acknowledgements spread over time as real clients' do. */
  #visit(): void {
    const now = performance.now();
    for (let i = this.#round; i < this.#clients.length; i += visitRounds) this.#clients[i]?.visit?.(now);
    this.#round = (this.#round + 1) % visitRounds;
  }
}
