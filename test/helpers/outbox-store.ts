import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedStore, openEmbeddedStore } from '../../services/adapters/embedded/embedded-store.ts';
import type { ConvId } from '../../services/core/ids.ts';
import { eventsOf } from '../../services/message/relay/row-events.ts';
import type { LogEvent } from '../../services/ports/event-log.ts';
import {
  append,
  conversation,
  createGroup,
  entry,
  type SampleConversation,
  stored,
} from '../../services/ports/message-store-conformance/samples.ts';
import { StoreError } from '../../services/ports/message-store.ts';
import type { Outbox } from '../../services/ports/outbox.ts';

const masterKeys = [{ id: 1, key: Buffer.alloc(32, 'a key of tests') }];

/** What a relay is told of a commit. */
export interface Told {
  readonly batchId: bigint;
  readonly events: readonly LogEvent[];
}

/** A real store whose commits leave rows in its outbox, under the run that the test says. */
export class OutboxStore implements AsyncDisposable {
  readonly directory: string;
  readonly store: EmbeddedStore;
  /** As the store has it, unless it is set to fail. */
  readonly outbox: Outbox;
  /** Every call of the outbox fails as unavailable. */
  broken = false;
  /** The next call of this name is carried out, and its answer lost. */
  unanswered: keyof Outbox | undefined;
  incarnation = 'one';
  readonly #conversations = new Map<string, { readonly of: SampleConversation; seq: number }>();

  private constructor(directory: string, store: EmbeddedStore, incarnation: { name: () => string }) {
    this.directory = directory;
    this.store = store;
    incarnation.name = () => this.incarnation;
    this.outbox = new Proxy(store.outbox, {
      get: (inner, name) => {
        const method = inner[name as keyof Outbox] as (...args: readonly unknown[]) => Promise<unknown>;
        return async (...args: readonly unknown[]) => {
          if (this.broken) throw new StoreError('unavailable', 'a test says so');
          const answer = await method.apply(inner, [...args]);
          if (this.unanswered !== name) return answer;
          this.unanswered = undefined;
          throw new StoreError('unavailable', 'a test lost the answer');
        };
      },
    });
  }

  /** Runs `one` and `two` hold leases that last as long as `nowMs` is below 10,000. */
  static async open(): Promise<OutboxStore> {
    const directory = await mkdtemp(join(tmpdir(), 'parley-outbox-'));
    const incarnation = { name: () => 'one' };
    const store = await openEmbeddedStore({
      directory,
      masterKeys,
      reserveBytes: 4_096,
      unsafeNoSync: true,
      incarnation: () => incarnation.name(),
    });
    for (const run of ['one', 'two']) await store.leaseWorker(run, 0, 10_000);
    return new OutboxStore(directory, store, incarnation);
  }

  /** Commits the next message of a group, which is made by its first. */
  async commit(convId: string, batchId: number): Promise<Told> {
    const known = this.#conversations.get(convId) ?? { of: conversation(convId), seq: 0 };
    this.#conversations.set(convId, known);
    known.seq += 1;
    const written = entry(known.seq);
    const commit =
      known.seq === 1 ? createGroup(known.of, { entries: [written] }) : append(known.of, [written]);
    await this.store.commit({ epoch: this.store.epoch, batchId: BigInt(batchId), conversations: [commit] });
    return { batchId: BigInt(batchId), events: eventsOf(convId as ConvId, [stored(written)]) };
  }

  count(incarnation: string): Promise<number> {
    return this.store.outbox.count(incarnation, 100_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
