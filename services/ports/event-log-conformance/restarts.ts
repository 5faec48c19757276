import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { events, Heard, type OpenEventLog, texts } from './fixture.ts';

/** What holds through restarts. */
export function restartPromises(open: OpenEventLog): void {
  describe('restart', () => {
    it('a group goes on where it left off', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 10));
      const before = new Heard();
      const consumer = await before.consume(fixture.log);
      await before.until(() => before.first('a').length === 10);
      await consumer.drain(10_000);
      await consumer.stop();
      await fixture.reopen();
      await fixture.log.publish(events('a', 11, 12));
      const after = new Heard();
      await after.consume(fixture.log);
      await after.until(() => after.first('a').length === 2);
      assert.deepEqual(after.texts('a'), ['11', '12']);
    });

    it('what was not done is handed over again, in order', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 10));
      const before = new Heard();
      const consumer = await before.consume(fixture.log, { window: 100 }, (text) =>
        text === '4' ? new Promise(() => {}) : undefined,
      );
      await before.until(() => before.first('a').length === 10);
      await consumer.stop();
      await fixture.reopen();
      const after = new Heard();
      await after.consume(fixture.log);
      await after.until(() => after.first('a').includes('10'));
      const heard = after.first('a');
      // Where exactly it goes on is the log's business; what was not done must be there, and all that follows.
      assert.deepEqual(heard, texts(11 - heard.length, 10));
      assert.ok(heard.includes('4'));
    });

    it('what was published before a stop is there after it, unread', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 100));
      await fixture.reopen();
      await fixture.log.publish(events('a', 101, 110));
      const heard = new Heard();
      await heard.consume(fixture.log);
      await heard.until(() => heard.first('a').length === 110);
      assert.deepEqual(heard.first('a'), texts(1, 110));
    });
  });
}
