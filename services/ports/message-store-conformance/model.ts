import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CommitBatch, ConversationCommit, NewEntry } from '../message-store.ts';
import type { OpenStore, StoreFixture } from './fixture.ts';
import { append, batch, clientKey, conversation, createDirect, entry, log, stored } from './samples.ts';

/** A writer's next attempt in one of three conversations: how stale it is, and which client keys it names. */
const attempt = fc.record({
  talk: fc.nat(2),
  /** 0: knows the head; less: lags behind; more: runs ahead. */
  drift: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: -3, max: 2 }) },
  ),
  keys: fc.array(fc.option(fc.nat(30), { nil: undefined }), { minLength: 1, maxLength: 4 }),
  /** Makes the conversation, whether it is there or not. */
  create: fc.boolean(),
});
type Attempt = typeof attempt extends fc.Arbitrary<infer A> ? A : never;

/** Attempts in a batch; `again`: then some earlier batch once more; `restart`: then a restart. */
const round = fc.record({
  attempts: fc.uniqueArray(attempt, { minLength: 1, maxLength: 3, selector: (one) => one.talk }),
  again: fc.option(fc.nat(), { nil: undefined }),
  restart: fc.boolean(),
});

/** What the store must hold: logs by conversation. */
class Model {
  readonly talks = ['d_a', 'd_b', 'd_c'].map(conversation);
  readonly logs: NewEntry[][] = this.talks.map(() => []);

  next({ talk, drift, keys, create }: Attempt): ConversationCommit {
    const length = this.logs[talk]?.length ?? 0;
    const makes = create || length === 0;
    const first = makes ? 1 : Math.max(1, length + 1 + drift);
    const unique = [...new Set(keys)];
    const entries = unique.map((key, at) =>
      entry(first + at, { clientKey: key === undefined ? undefined : clientKey(`${key}`) }),
    );
    const to = this.talks[talk] ?? conversation('d_none');
    return makes ? createDirect(to, entries) : append(to, entries);
  }

  /** What must come of it; takes it over where it is to be committed. */
  outcome(commit: ConversationCommit): string {
    const of = this.talks.findIndex(({ convNo }) => convNo === commit.convNo);
    const written = this.logs[of] ?? [];
    const first = commit.entries[0]?.seq ?? 0;
    if (commit.entries.every((one) => written[one.seq - 1]?.msgId === one.msgId)) return 'committed';
    const known = new Set(written.map((one) => one.clientKey));
    const duplicate = commit.entries.some((one) => one.clientKey !== undefined && known.has(one.clientKey));
    if (commit.create === undefined ? written.length + 1 !== first : written.length > 0) return 'fenced';
    if (duplicate) return 'duplicate';
    written.push(...commit.entries);
    return 'committed';
  }
}

export function modelPromises(open: OpenStore): void {
  describe('any sequence of batches', () => {
    it('has the outcomes that a simple model foretells', async () => {
      await using fixture = await open();
      await fc.assert(
        fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 12 }), (rounds) =>
          follow(fixture, rounds),
        ),
        { numRuns: 20 },
      );
    });
  });
}

async function follow(
  fixture: StoreFixture,
  rounds: readonly (typeof round extends fc.Arbitrary<infer R> ? R : never)[],
): Promise<void> {
  // The talks of each run are its own: ids carry the run, numbers are drawn anew.
  const model = new Model();
  const run = model.talks[0]?.convNo;
  model.talks.forEach((talk, at) => {
    model.talks[at] = { ...talk, convId: `${talk.convId}-${run}` as typeof talk.convId };
  });
  const past: CommitBatch[] = [];
  const write = async (one: CommitBatch) => {
    const expected = one.conversations.map((commit) => model.outcome(commit));
    const outcomes = (await fixture.store.commit(one)).map((outcome) => outcome.t);
    assert.deepEqual(outcomes, expected);
  };
  for (const { attempts, again, restart } of rounds) {
    const one = batch(fixture.store, ...attempts.map((each) => model.next(each)));
    past.push(one);
    await write(one);
    if (restart && past.length % 5 === 0) await fixture.reopen();
    const earlier = again === undefined ? undefined : past[again % past.length];
    if (earlier !== undefined) await write(earlier);
  }
  for (const [at, talk] of model.talks.entries())
    assert.deepEqual(
      await log(fixture.store, talk),
      model.logs[at]?.map((each) => stored(each)),
    );
}
