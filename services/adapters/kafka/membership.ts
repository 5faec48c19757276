import { type Broker, type Consumer, NetworkError } from '@platformatic/kafka';
import { isProtocolError } from './kafka-client.ts';

/** Commits that fail in a row until the member takes another client. */
const patience = 4;

class CoordinatorGone extends NetworkError {
  constructor() {
    super('the group’s coordinator is no longer in the cluster', { canRetry: false });
  }
}

/**
 * Whether a client still is a member of its group. The library's is of no use any more once a heartbeat has failed (it
 * sends no further one) or its coordinator is another broker (it never asks again): it would go on reading while others
 * have its partitions. And a client whose errors nobody listens to ends the process.
 */
export class Membership {
  readonly #lost: (trouble: Error) => void;
  #trouble: Error | undefined;
  /** Commits that failed since one did not. */
  #refused = 0;

  /** `lost` is told once why it is over. */
  constructor(consumer: Consumer, lost: (trouble: Error) => void) {
    this.#lost = lost;
    guard(consumer);
    consumer.on('error', (error: unknown) => this.#lose(error));
    consumer.on('consumer:heartbeat:error', ({ error }) => this.#lose(error));
  }

  get isLost(): boolean {
    return this.#trouble !== undefined;
  }

  /** Throws why it is over, if it is. */
  assert(): void {
    if (this.#trouble !== undefined) throw this.#trouble;
  }

  committed(): void {
    this.#refused = 0;
  }

  commitFailed(error: unknown): void {
    this.#refused += 1;
    const moved = error instanceof CoordinatorGone || isProtocolError(error, 'NOT_COORDINATOR');
    if (moved || this.#refused >= patience) this.#lose(error);
  }

  #lose(cause: unknown): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = new Error('the group has lost this member', { cause });
    this.#lost(this.#trouble);
  }
}

/**
 * Where the coordinator is no broker of the cluster any more, the library looks for a connection to nobody, and throws in
 * a timer or a socket's handler, where nobody can catch it: from here on that is an error like others.
 */
function guard({ connections }: Consumer): void {
  type Get = (broker: Broker | undefined, callback: (error: Error | null) => void) => void;
  const get = connections.get.bind(connections) as Get;
  const guarded: Get = (broker, callback) => {
    if (broker === undefined) callback(new CoordinatorGone());
    else get(broker, callback);
  };
  connections.get = guarded as typeof connections.get;
}
