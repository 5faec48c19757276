import { type Memory, Syncer } from './parley/syncer.ts';

export interface PoolSpec {
  readonly port: number;
  readonly users: number;
  /** How many connect at a time. */
  readonly atOnce: number;
}

/** What a sync brought. */
export interface SyncOutcome {
  /** Conversations in the answer. */
  readonly changed: number;
  /** Entries by which their heads went on. */
  readonly advanced: number;
  /** Conversations that the device knows now. */
  readonly known: number;
}

export interface PoolMember {
  open(): Promise<void>;
  sync(): Promise<SyncOutcome>;
  visit(nowMs: number): void;
  close(): void;
}

export interface ConnectResult {
  readonly sessions: number;
  /** From the start until each was signed in and in sync. */
  readonly inSyncP50Ms: number;
  readonly inSyncP99Ms: number;
  readonly wallMs: number;
  /** How often a connection was refused or cut, and was tried again. */
  readonly retries: number;
  /** Sums over all sessions. */
  readonly changed: number;
  readonly advanced: number;
  readonly known: number;
  /** What went wrong, a few examples. */
  readonly failures: readonly string[];
}

const visitsEveryMs = 50;
const visitRounds = 100;
const keptFailures = 10;
/** How a client that is turned away tries again. */
const maxAttempts = 8;
const firstWaitMs = 250;
const longestWaitMs = 5_000;

/** Many devices that are online, and remember what they know when they are not. */
export class Pool {
  readonly #memories: Memory[] = [];
  #members: Syncer[] = [];
  #failures: string[] = [];
  readonly #visits: NodeJS.Timeout;
  #round = 0;

  constructor() {
    this.#visits = setInterval(() => this.#visit(), visitsEveryMs);
  }

  /** Connects and syncs all users. */
  async connect(spec: PoolSpec): Promise<ConnectResult> {
    this.disconnect();
    this.#failures = [];
    const sum = { changed: 0, advanced: 0, known: 0 };
    const inSync: number[] = [];
    let retries = 0;
    const startMs = performance.now();
    let next = 0;
    const worker = async () => {
      while (next < spec.users) {
        const user = next++;
        try {
          const member = await this.#open(user, spec.port, () => (retries += 1));
          const outcome = await member.sync();
          inSync.push(performance.now() - startMs);
          sum.changed += outcome.changed;
          sum.advanced += outcome.advanced;
          sum.known += outcome.known;
        } catch (error) {
          this.#failed(`user ${user}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(spec.atOnce, spec.users) }, worker));
    inSync.sort((one, other) => one - other);
    const quantile = (q: number) => Math.round(inSync[Math.ceil(q * inSync.length) - 1] ?? 0);
    return {
      sessions: inSync.length,
      inSyncP50Ms: quantile(0.5),
      inSyncP99Ms: quantile(0.99),
      wallMs: Math.round(performance.now() - startMs),
      ...sum,
      retries,
      failures: [...this.#failures],
    };
  }

  /** Each user writes to the `each` users after them. */
  async befriend(each: number): Promise<void> {
    const { length } = this.#members;
    for (let distance = 1; distance <= each; distance++) {
      const group = 500;
      for (let i = 0; i < length; i += group)
        await Promise.all(
          this.#members
            .slice(i, i + group)
            .map((member, j) => member.greet((i + j + distance) % length, `friend-${distance}`)),
        );
    }
  }

  /** Cuts all connections; what the devices know stays. */
  disconnect(): void {
    for (const member of this.#members) member.close();
    this.#members = [];
  }

  /** Sessions that ended by themselves since the last connect, and other failures. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  close(): void {
    clearInterval(this.#visits);
    this.disconnect();
  }

  /** Connects like a client: again after a jittered wait when it is turned away. */
  async #open(user: number, port: number, onRetry: () => void): Promise<Syncer> {
    for (let attempt = 1; ; attempt++) {
      const member = this.#member(user, port);
      try {
        await member.open();
        return member;
      } catch (error) {
        member.close();
        if (attempt === maxAttempts) throw error;
        onRetry();
        const waitMs = Math.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** attempt);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  #member(user: number, port: number): Syncer {
    const memory = (this.#memories[user] ??= { epoch: '', known: new Map() });
    const onEnd = (why: string) => this.#failed(`user ${user}: ${why}`);
    const member = new Syncer({ port, user, memory, onEnd });
    this.#members[user] = member;
    return member;
  }

  #failed(what: string): void {
    if (this.#failures.length < keptFailures) this.#failures.push(what);
  }

  #visit(): void {
    const now = performance.now();
    for (let i = this.#round; i < this.#members.length; i += visitRounds) this.#members[i]?.visit(now);
    this.#round = (this.#round + 1) % visitRounds;
  }
}
