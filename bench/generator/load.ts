import type { Client, Traffic } from './client.ts';
import { Histogram, type Latency } from './histogram.ts';
import type { LedgerResult } from './ledger.ts';
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

const tickMs = 1;
const visitsEveryMs = 20;
/** Each client is visited once in this many rounds of visits. */
const visitRounds = 20;
const maxSendsPerTurn = 200;

/**
 * Open loop: messages leave when they are due, however slow the answers are. Runs one pass after the other over the
 * same connections.
 */
export class Load {
  readonly #clients: readonly Client[];
  readonly #traffic: Traffic;
  readonly #visits: NodeJS.Timeout;
  #round = 0;
  #nextK = 0;

  constructor(clients: readonly Client[], traffic: Traffic) {
    this.#clients = clients;
    this.#traffic = traffic;
    this.#visits = setInterval(() => this.#visit(), visitsEveryMs);
  }

  async pass(request: PassRequest): Promise<PassResult> {
    const { ledger, reference } = this.#traffic;
    const schedule = new Schedule({ ...request, firstK: this.#nextK, startMs: performance.now() + 20 });
    ledger.begin(schedule);
    reference?.begin();
    this.#traffic.dropOne = request.dropOne ?? false;
    const cpu = process.cpuUsage();
    const lag = new Histogram();
    await this.#sendAll(schedule, lag);
    await this.#drained(request.drainMs);
    const used = process.cpuUsage(cpu);
    const wallMs = performance.now() - schedule.startMs;
    return {
      ...ledger.result(),
      ratePerSecond: request.ratePerSecond,
      wallMs: Math.round(wallMs),
      lag: lag.summary(),
      generatorCpu: Math.round((used.user + used.system) / wallMs / 10) / 100,
    };
  }

  close(): void {
    clearInterval(this.#visits);
    for (const client of this.#clients) client.close();
  }

  #sendAll(schedule: Schedule, lag: Histogram): Promise<void> {
    const { topology, ledger } = this.#traffic;
    return new Promise((resolve) => {
      const turn = () => {
        const now = performance.now();
        const due = schedule.dueBy(now);
        const stop = Math.min(due, this.#nextK + maxSendsPerTurn);
        while (this.#nextK < stop) {
          const k = this.#nextK++;
          const conversation = topology.conversationFor(k);
          const side = topology.senderSideFor(k);
          ledger.sending(k, conversation, side);
          lag.record(now - schedule.dueAt(k));
          (this.#clients[topology.member(conversation, side)] as Client).send(k, conversation, side);
        }
        if (this.#nextK >= schedule.endK) resolve();
        else if (stop < due) setImmediate(turn);
        else setTimeout(turn, tickMs);
      };
      turn();
    });
  }

  async #drained(drainMs: number): Promise<void> {
    const deadline = performance.now() + drainMs;
    while (!this.#traffic.ledger.complete && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    // What comes once too often comes late: give it a moment.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Visits a slice of the clients, so that acknowledgements spread over time as real clients' do. */
  #visit(): void {
    const now = performance.now();
    for (let i = this.#round; i < this.#clients.length; i += visitRounds) this.#clients[i]?.visit?.(now);
    this.#round = (this.#round + 1) % visitRounds;
  }
}
