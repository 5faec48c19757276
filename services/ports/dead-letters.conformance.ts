import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';

/** Letters of a test's own, none at first, at most `limit` of each endpoint. */
export interface DeadLettersFixture extends AsyncDisposable {
  readonly letters: DeadLetters;
  /** The same letters as another process sees them. */
  reopen(): Promise<void>;
}

export function sampleLetter(no: number, letter: Partial<DeadLetter> = {}): DeadLetter {
  return {
    id: `msg_${no}`,
    endpoint: 'app',
    type: 'message.created',
    convId: 'group_ü',
    firstSeq: no,
    lastSeq: no,
    occurredAtMs: 1_700_000_000_000 + no,
    failedAtMs: 1_800_000_000_000 - no,
    attempts: 8,
    reason: 'status 500',
    body: JSON.stringify({ no, text: 'grüße "🙂"' }),
    ...letter,
  };
}

/** Every promise of DeadLetters, as tests. Each adapter runs them against its real engine. */
export function deadLettersConformance(
  name: string,
  open: (limit: number) => Promise<DeadLettersFixture>,
): void {
  describe(`${name} keeps the promises of DeadLetters`, () => {
    it('has none at first', async () => {
      await using fixture = await open(1_000);
      assert.deepEqual(await fixture.letters.list(10), []);
    });

    it('keeps letters as they are, oldest first by when they happened, for every process', async () => {
      await using fixture = await open(1_000);
      for (const no of [3, 1, 2]) await fixture.letters.add(sampleLetter(no));
      const expected = [sampleLetter(1), sampleLetter(2), sampleLetter(3)];
      assert.deepEqual(await fixture.letters.list(10), expected);
      await fixture.reopen();
      assert.deepEqual(await fixture.letters.list(10), expected);
      assert.deepEqual(await fixture.letters.list(2), expected.slice(0, 2));
    });

    it('has one with the same id take the place of the earlier one', async () => {
      await using fixture = await open(1_000);
      await fixture.letters.add(sampleLetter(1));
      await fixture.letters.add(sampleLetter(1, { reason: 'ECONNREFUSED' }));
      assert.deepEqual(await fixture.letters.list(10), [sampleLetter(1, { reason: 'ECONNREFUSED' })]);
    });

    it('finds letters by their ids, oldest first, and nothing for an id that none has', async () => {
      await using fixture = await open(1_000);
      for (const no of [3, 1, 4, 2]) await fixture.letters.add(sampleLetter(no));
      await fixture.letters.remove(sampleLetter(4));
      // Ids may have dashes, and be the end of one another.
      await fixture.letters.add(sampleLetter(5, { id: 'x-msg_1' }));
      const ids = ['msg_3', 'msg_1', 'msg_4', 'none', "' OR 1"];
      assert.deepEqual(await fixture.letters.find(ids), [sampleLetter(1), sampleLetter(3)]);
      assert.deepEqual(await fixture.letters.find(['none']), []);
    });

    it('removes a letter for good, and one that is not there without a word', async () => {
      await using fixture = await open(1_000);
      for (const no of [1, 2]) await fixture.letters.add(sampleLetter(no));
      await fixture.letters.remove(sampleLetter(1));
      await fixture.letters.remove(sampleLetter(1));
      await fixture.reopen();
      assert.deepEqual(await fixture.letters.list(10), [sampleLetter(2)]);
      await fixture.letters.add(sampleLetter(1));
      assert.deepEqual(await fixture.letters.list(10), [sampleLetter(1), sampleLetter(2)]);
    });

    it('lists those of one endpoint, however many older ones others have', async () => {
      await using fixture = await open(1_000);
      const app = [7, 8, 9].map((no) => sampleLetter(no));
      const others = [1, 2, 3, 10].map((no) => sampleLetter(no, { endpoint: 'push.fcm' }));
      for (const letter of [...others, ...app]) await fixture.letters.add(letter);
      assert.deepEqual(await fixture.letters.list(10, 'app'), app);
      assert.deepEqual(await fixture.letters.list(2, 'app'), app.slice(0, 2));
      assert.deepEqual(await fixture.letters.list(2), others.slice(0, 2));
      assert.deepEqual(await fixture.letters.list(10, 'nobody'), []);
    });

    it('I6: over its limit an endpoint’s oldest go, counted, and nobody else’s', async () => {
      await using fixture = await open(10);
      const others = [0, 1, 2].map((no) => sampleLetter(no, { endpoint: 'shop' }));
      for (const letter of others) await fixture.letters.add(letter);
      const all = Array.from({ length: 200 }, (_, no) => sampleLetter(1_000 + no, { endpoint: 'push.fcm' }));
      await Promise.all(all.map((letter) => fixture.letters.add(letter)));
      const left = await fixture.letters.list(10_000, 'push.fcm');
      assert.ok(left.length >= 10 && left.length < 120, `${left.length} are left`);
      assert.deepEqual(left, all.slice(-left.length));
      assert.deepEqual(await fixture.letters.list(10_000), [...others, ...left]);
      assert.equal(fixture.letters.dropped, 200 - left.length);
    });

    it('I6: over its limit the oldest go, counted', async () => {
      await using fixture = await open(10);
      const all = Array.from({ length: 200 }, (_, no) => sampleLetter(no));
      await Promise.all(all.map((letter) => fixture.letters.add(letter)));
      const left = await fixture.letters.list(10_000);
      assert.ok(left.length >= 10 && left.length < 120, `${left.length} are left`);
      assert.deepEqual(left, all.slice(-left.length));
      assert.equal(fixture.letters.dropped, 200 - left.length);
    });
  });
}
