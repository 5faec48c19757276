import { Retry } from '../../gen/parley/chat/v1/error_pb.ts';
import type { Entries } from '../../gen/parley/chat/v1/session_pb.ts';
import type { Hole } from '../crash/replica.ts';
import type { ClientSession } from './client-session.ts';

interface PageFetcherParts {
  /** The session, while it is signed in. */
  session(): ClientSession | undefined;
  headOf(convId: string): number;
  page(convId: string, entries: Entries): void;
  /** Entries up to this seq exist, whatever the last page said. */
  exists(convId: string, seq: number): void;
  later(ms: number, act: () => void): void;
}

const retryMs = 250;
/** Pages in a row that bring nothing, before a hole is taken for one that isn't there. */
const fruitless = 12;

/** Fetches what a client was told of and has not, a page at a time for each conversation. */
export class PageFetcher {
  readonly #parts: PageFetcherParts;
  readonly #fetching = new Set<string>();
  readonly #fruitless = new Map<string, number>();
  readonly #announced = new Map<string, number>();

  constructor(parts: PageFetcherParts) {
    this.#parts = parts;
  }

  get idle(): boolean {
    return this.#fetching.size === 0;
  }

  /** The client was told of an entry. */
  heardOf(convId: string, seq: number): void {
    if (seq <= (this.#announced.get(convId) ?? 0)) return;
    this.#announced.set(convId, seq);
    this.#fruitless.delete(convId);
  }

  /** The session is gone. */
  lost(): void {
    this.#fetching.clear();
  }

  /** The store was restored: what was told of may not be there. */
  startOver(): void {
    this.#fetching.clear();
    this.#fruitless.clear();
    this.#announced.clear();
  }

  fetch({ convId, fromSeq }: Hole): void {
    const { session: signedIn, headOf, page } = this.#parts;
    const session = signedIn();
    if (session === undefined || this.#fetching.has(convId)) return;
    this.#fetching.add(convId);
    const list = { convId, fromSeq: BigInt(fromSeq), limit: 50, backward: false };
    session.ask({ case: 'list', value: list }, (event) => {
      const before = headOf(convId);
      if (event.case === 'entries') {
        this.#fetching.delete(convId);
        page(convId, event.value);
      } else if (event.case === 'error' && event.value.retry === Retry.NEVER) {
        this.#announced.delete(convId);
      }
      this.#again(session, convId, before);
    });
  }

  /** Whoever answered may not know yet what somebody else has told of: it is asked again, for a while. */
  #again(session: ClientSession, convId: string, before: number): void {
    const { session: signedIn, headOf, exists, later } = this.#parts;
    const wanted = this.#announced.get(convId) ?? 0;
    const head = headOf(convId);
    const tries = head > before ? 0 : (this.#fruitless.get(convId) ?? 0) + 1;
    this.#fruitless.set(convId, tries);
    if (head >= wanted || tries >= fruitless) {
      this.#fetching.delete(convId);
      return;
    }
    this.#fetching.add(convId);
    later(retryMs, () => {
      if (signedIn() !== session) return;
      this.#fetching.delete(convId);
      exists(convId, wanted);
    });
  }
}
