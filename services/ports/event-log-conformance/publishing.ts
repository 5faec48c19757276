import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventLogError, maxEventBytes } from '../event-log.ts';
import { event, events, Heard, type OpenEventLog, texts } from './fixture.ts';

/** What publishing promises. */
export function publishPromises(open: OpenEventLog): void {
  describe('publish', () => {
    it('keeps the order of a conversation through many publishes at once', async () => {
      await using fixture = await open();
      const heard = new Heard();
      await heard.consume(fixture.log);
      const publishes = Array.from({ length: 100 }, (_, i) => [
        fixture.log.publish(events('a', 3 * i, 3 * i + 2)),
        fixture.log.publish([event('b', String(i))]),
      ]);
      await Promise.all(publishes.flat());
      await heard.until(() => heard.first('a').length === 300 && heard.first('b').length === 100);
      assert.deepEqual(heard.first('a'), texts(0, 299));
      assert.deepEqual(heard.first('b'), texts(0, 99));
      assert.equal(fixture.log.meters.published, 400);
      assert.equal(fixture.log.meters.waitingBytes, 0);
    });

    it('takes nothing, and an empty list, for what they are', async () => {
      await using fixture = await open();
      const heard = new Heard();
      await fixture.log.publish([]);
      await fixture.log.publish([event('a', '')]);
      await heard.consume(fixture.log);
      await heard.until(() => heard.events.length === 1);
      assert.deepEqual(heard.texts('a'), ['']);
    });

    it('carries conversation ids and bytes of any kind, up to the limit', async () => {
      await using fixture = await open();
      const convId = 'grüße 🙂 ü'.normalize('NFC');
      const large = Buffer.alloc(maxEventBytes, 0xfe);
      const received: Uint8Array[] = [];
      await fixture.log.publish([{ ...event(convId, ''), value: large }, event(convId, 'after')]);
      const { promise: both, resolve } = Promise.withResolvers<void>();
      await fixture.log.consume({
        group: 'bytes',
        window: 1,
        handle: async (each) => {
          assert.equal(each.convId, convId);
          received.push(each.value);
          if (Buffer.from(each.value).toString() === 'after') resolve();
        },
      });
      await both;
      assert.equal(Buffer.compare(received[0] as Uint8Array, large), 0);
    });

    it('rejects an event over the limit, for good, and takes none of its company', async () => {
      await using fixture = await open();
      const large = { ...event('a', ''), value: Buffer.alloc(maxEventBytes + 1) };
      await assert.rejects(fixture.log.publish([event('a', 'company'), large]), (error) => {
        return error instanceof EventLogError && error.kind === 'rejected' && !error.retryable;
      });
      await fixture.log.publish([event('a', 'next')]);
      const heard = new Heard();
      await heard.consume(fixture.log);
      await heard.until(() => heard.events.length > 0);
      assert.deepEqual(heard.texts('a'), ['next']);
    });

    it('I6: refuses what its queue has no room for, and takes it later', async () => {
      await using fixture = await open();
      const big = { ...event('a', ''), value: Buffer.alloc(256 * 1024, 1) };
      const outcomes = await Promise.allSettled(
        Array.from({ length: 200 }, () => fixture.log.publish([big])),
      );
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      assert.ok(refused.length > 0, 'nothing was refused');
      assert.ok(refused.length < 200, 'all was refused');
      for (const { reason } of refused) {
        assert.ok(reason instanceof EventLogError);
        assert.equal(reason.kind, 'full');
        assert.ok(reason.retryable);
      }
      await fixture.log.publish([big]);
    });

    it('refuses when it is stopped', async () => {
      await using fixture = await open();
      await fixture.log.stop('test');
      await assert.rejects(fixture.log.publish([event('a', '1')]), EventLogError);
    });
  });
}
