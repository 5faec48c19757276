import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { type Digest, OfflineDigests } from './offline-digests.ts';

export interface DigestWorkInit {
  readonly clock: Clock;
  readonly random: () => number;
  readonly intervalMs: number;
  /** Does what is to be done about a digest; where it rejects, it is called again after a pause. */
  readonly tell: (digest: Digest) => Promise<void>;
  /** Told of each time that it rejects. */
  readonly failed: (digest: Digest, error: unknown) => void;
}

const tickMs = 100;
const retry = { firstMs: 200, maxMs: 30_000 };

/** Work per conversation and interval, not per message: gathers events into digests, and has each done until it is. */
export class DigestWork {
  readonly #init: DigestWorkInit;
  readonly #digests: OfflineDigests;
  readonly #outcomes = new Map<Digest, PromiseWithResolvers<void>>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #underWay = 0;

  constructor(init: DigestWorkInit) {
    this.#init = init;
    this.#digests = new OfflineDigests({ intervalMs: init.intervalMs });
  }

  /** Digests that are gathered, or are being done. */
  get size(): number {
    return this.#digests.size + this.#underWay;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const digest of this.#digests.due(this.#init.clock.wallMs())) this.#close(digest);
    }, tickMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Resolves when the digest is done that the event's messages went into. */
  handle(event: CommittedEvent): Promise<void> {
    const { joined, closed } = this.#digests.add(event, this.#init.clock.wallMs());
    if (closed !== undefined) this.#close(closed);
    if (joined === undefined) return Promise.resolve();
    let outcome = this.#outcomes.get(joined);
    if (outcome === undefined) {
      outcome = Promise.withResolvers();
      this.#outcomes.set(joined, outcome);
    }
    return outcome.promise;
  }

  #close(digest: Digest): void {
    const outcome = this.#outcomes.get(digest);
    this.#outcomes.delete(digest);
    if (outcome === undefined) return;
    this.#underWay += 1;
    // A digest that fails is done again here, since its events apart would make other digests.
    void this.#persist(digest)
      .then(outcome.resolve, outcome.reject)
      .finally(() => {
        this.#underWay -= 1;
      });
  }

  async #persist(digest: Digest): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#init.tell(digest);
        return;
      } catch (error) {
        if (this.#stopped) throw error;
        this.#init.failed(digest, error);
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(attempt, retry, this.#init.random)).unref(),
        );
        if (this.#stopped) throw error;
      }
    }
  }
}
