import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { event, events, Heard, type OpenEventLog, texts } from './fixture.ts';

/** What consuming promises. */
export function consumePromises(open: OpenEventLog): void {
  describe('consume', () => {
    it('begins at the oldest event, and goes on with new ones', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 5));
      const heard = new Heard();
      await heard.consume(fixture.log);
      await heard.until(() => heard.first('a').length === 5);
      await fixture.log.publish(events('a', 6, 7));
      await heard.until(() => heard.first('a').length === 7);
      assert.deepEqual(heard.first('a'), texts(1, 7));
    });

    it('gives each group everything', async () => {
      await using fixture = await open();
      const [one, other] = [new Heard(), new Heard()];
      await one.consume(fixture.log, { group: 'one' });
      await fixture.log.publish(events('a', 1, 3));
      await other.consume(fixture.log, { group: 'other' });
      await one.until(() => one.first('a').length === 3);
      await other.until(() => other.first('a').length === 3);
    });

    it('hands over what was rejected again, and nothing behind it meanwhile with a window of 1', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 3));
      const heard = new Heard();
      let failures = 2;
      const consumer = await heard.consume(fixture.log, { window: 1 }, (text) => {
        if (text === '2' && failures-- > 0) throw new Error('not now');
      });
      await heard.until(() => heard.texts('a').includes('3'));
      assert.deepEqual(heard.texts('a'), ['1', '2', '2', '2', '3']);
      assert.equal(consumer.meters.failed, 2);
    });

    it('I6: hands over no more than the window while nothing is done', async () => {
      await using fixture = await open();
      await fixture.log.publish(events('a', 1, 50));
      const heard = new Heard();
      const gate = Promise.withResolvers<void>();
      let [running, most] = [0, 0];
      await heard.consume(fixture.log, { window: 4 }, async () => {
        running += 1;
        most = Math.max(most, running);
        await gate.promise;
        running -= 1;
      });
      await heard.until(() => heard.events.length === 4);
      // Whatever else it wants to hand over, it does in the time that another group takes for all.
      const other = new Heard();
      await other.consume(fixture.log, { group: 'other' });
      await other.until(() => other.events.length === 50);
      assert.equal(heard.events.length, 4);
      gate.resolve();
      await heard.until(() => heard.first('a').length === 50);
      assert.equal(most, 4);
      assert.deepEqual(heard.first('a'), texts(1, 50));
    });

    it('hands over nothing while it is paused', async () => {
      await using fixture = await open();
      const [heard, other] = [new Heard(), new Heard()];
      const consumer = await heard.consume(fixture.log);
      await fixture.log.publish([event('a', '1')]);
      await heard.until(() => heard.events.length === 1);
      consumer.pause();
      await fixture.log.publish(events('a', 2, 4));
      await other.consume(fixture.log, { group: 'other' });
      await other.until(() => other.events.length === 4);
      assert.equal(heard.events.length, 1);
      consumer.resume();
      await heard.until(() => heard.first('a').length === 4);
    });

    it('drains: waits for what was handed over, and hands over nothing more', async () => {
      await using fixture = await open();
      const [heard, other] = [new Heard(), new Heard()];
      const gate = Promise.withResolvers<void>();
      const consumer = await heard.consume(fixture.log, { window: 2 }, () => gate.promise);
      await fixture.log.publish(events('a', 1, 5));
      await heard.until(() => heard.events.length === 2);
      let drained = false;
      const draining = consumer.drain(30_000).then(() => {
        drained = true;
      });
      await other.consume(fixture.log, { group: 'other' });
      await other.until(() => other.events.length === 5);
      assert.equal(drained, false);
      gate.resolve();
      await draining;
      assert.equal(heard.events.length, 2);
    });

    it('gives up draining at the deadline', async () => {
      await using fixture = await open();
      const heard = new Heard();
      const consumer = await heard.consume(fixture.log, {}, () => new Promise(() => {}));
      await fixture.log.publish([event('a', '1')]);
      await heard.until(() => heard.events.length === 1);
      await consumer.drain(10);
      await consumer.stop();
      await consumer.stop();
    });
  });
}
