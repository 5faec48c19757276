import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { firstKey } from '../../ports/message-store-conformance/fixture.ts';
import {
  append,
  commit,
  conversation,
  createDirect,
  entry,
} from '../../ports/message-store-conformance/samples.ts';
import { outboxConformance, type OutboxStore } from '../../ports/outbox.conformance.ts';
import { type EmbeddedStore, openEmbeddedStore } from './embedded-store.ts';

/** The store of one directory, opened again and again, for several runs at once. */
class Runs implements AsyncDisposable {
  readonly #directory: string;
  #incarnation: string | undefined;
  #store: EmbeddedStore | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(): Promise<Runs> {
    const runs = new Runs(await mkdtemp(path.join(tmpdir(), 'parley-outbox-')));
    await runs.reopen({ outbox: true });
    return runs;
  }

  async reopen({ outbox }: { readonly outbox: boolean }): Promise<void> {
    await this.#store?.close();
    const incarnation = () => this.#incarnation ?? 'nobody';
    this.#store = await openEmbeddedStore({
      directory: this.#directory,
      masterKeys: [firstKey],
      incarnation: outbox ? incarnation : undefined,
    });
  }

  async as(incarnation: string): Promise<OutboxStore> {
    const store = this.#store as EmbeddedStore;
    return new Proxy(store, {
      get: (_, name) => {
        this.#incarnation = incarnation;
        const value = store[name as keyof EmbeddedStore];
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.close();
    await rm(this.#directory, { recursive: true });
  }
}

outboxConformance('the embedded store', () => Runs.open());

describe('the outbox of the embedded store', () => {
  it('keeps nothing where nobody reads it', async () => {
    await using runs = await Runs.open();
    await runs.reopen({ outbox: false });
    const store = await runs.as('one');
    const talk = conversation('d_talk');
    await commit(store, createDirect(talk));
    await commit(store, append(talk, [entry(2)]));
    assert.equal(await store.outbox.count('one', 10), 0);
  });

  it('takes whoever had it open before for dead, whatever the lease says', async () => {
    await using runs = await Runs.open();
    const before = await runs.as('before');
    await before.leaseWorker('before', 1_000, 10_000);
    await commit(before, createDirect(conversation('d_talk')));
    assert.deepEqual(await before.outbox.lapsed(5_000), []);
    await runs.reopen({ outbox: true });
    const now = await runs.as('now');
    await now.leaseWorker('now', 2_000, 10_000);
    assert.deepEqual(await now.outbox.lapsed(5_000), ['before']);
    const batchIds = (await now.outbox.rows('before', 0n, 10)).map(({ batchId }) => batchId);
    assert.equal(batchIds.length, 1);
    assert.deepEqual(await now.outbox.adopt({ from: 'before', by: 'now', batchIds, nowMs: 5_000 }), batchIds);
  });
});
