import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { eventLogConformance } from '../../ports/event-log.conformance.ts';
import {
  event,
  type EventLogFixture,
  events,
  Heard,
  texts,
} from '../../ports/event-log-conformance/fixture.ts';
import { LocalEventLog, type LocalEventLogInit } from './local-event-log.ts';

interface LocalFixture extends EventLogFixture {
  readonly directory: string;
  readonly log: LocalEventLog;
  stop(): Promise<void>;
}

async function open(init: Partial<LocalEventLogInit> = {}): Promise<LocalFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-events-'));
  const make = async () => {
    const log = new LocalEventLog({
      directory: join(directory, 'events'),
      log: silentLogger,
      random: () => 0,
      limitBytes: 64 * 1024 * 1024,
      segmentBytes: 64 * 1024,
      queueBytes: 8 * 1024 * 1024,
      ...init,
    });
    await log.start();
    return log;
  };
  let log = await make();
  return {
    directory: join(directory, 'events'),
    get log() {
      return log;
    },
    stop: () => log.stop(),
    async reopen() {
      await log.stop();
      log = await make();
    },
    async [Symbol.asyncDispose]() {
      await log.stop();
      await rm(directory, { recursive: true });
    },
  };
}

eventLogConformance('the local event log', open);

async function segmentNames({ directory }: LocalFixture): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.events')).sort();
}

describe('the files of the local event log', () => {
  it('cuts off what a crash left half written, and goes on behind what was whole', async () => {
    await using fixture = await open();
    await fixture.log.publish(events('a', 1, 3));
    await fixture.stop();
    const [name] = await segmentNames(fixture);
    const path = join(fixture.directory, name as string);
    const whole = await readFile(path);
    // A record that ends too early, and one whose bytes never came.
    for (const torn of [whole.subarray(0, 11), Buffer.alloc(40)]) {
      await writeFile(path, whole);
      await appendFile(path, torn);
      await fixture.reopen();
      assert.equal(fixture.log.end, 3);
      await fixture.stop();
      assert.deepEqual(await readFile(path), whole);
    }
    await fixture.reopen();
    await fixture.log.publish(events('a', 4, 5));
    const heard = new Heard();
    await heard.consume(fixture.log);
    await heard.until(() => heard.first('a').length === 5);
    assert.deepEqual(heard.first('a'), texts(1, 5));
  });

  it('skips what it can not read any more of an older segment, counted, and no more than that', async () => {
    await using fixture = await open({ segmentBytes: 1_000 });
    for (let i = 1; i <= 90; i++) await fixture.log.publish([event('a', String(i).padStart(100, '0'))]);
    await fixture.stop();
    const [first, second] = await segmentNames(fixture);
    const path = join(fixture.directory, first as string);
    const bytes = await readFile(path);
    bytes[300] = (bytes[300] as number) ^ 1;
    await writeFile(path, bytes);
    await fixture.reopen();
    const heard = new Heard();
    const consumer = await heard.consume(fixture.log);
    await heard.until(() => heard.first('a').some((text) => text.endsWith('90')));
    const lost = Number((second as string).slice(0, 16)) - 2;
    assert.equal(consumer.meters.skipped, lost);
    assert.equal(heard.first('a').length, 90 - lost);
  });

  it('removes segments that all groups have read, and keeps those that one has not', async () => {
    await using fixture = await open({ segmentBytes: 1_000 });
    const [slow, quick] = [new Heard(), new Heard()];
    const gate = Promise.withResolvers<void>();
    await slow.consume(fixture.log, { group: 'slow', window: 1 }, () => gate.promise);
    await quick.consume(fixture.log, { group: 'quick' });
    for (let i = 1; i <= 50; i++) await fixture.log.publish([event('a', String(i).padStart(200, '0'))]);
    await quick.until(() => quick.events.length === 50);
    const before = await segmentNames(fixture);
    assert.ok(before.length > 5);
    gate.resolve();
    await slow.until(() => slow.events.length === 50);
    await fixture.log.publish([event('a', 'x'.repeat(2_000))]);
    await fixture.log.publish([event('a', 'last')]);
    await slow.until(() => slow.events.length === 52);
    await fixture.stop();
    assert.ok((await segmentNames(fixture)).length <= 2);
    assert.equal(fixture.log.meters.dropped, 0);
  });

  it('I6: over its limit the oldest segments go, counted, and a group that had not read them skips them', async () => {
    await using fixture = await open({ segmentBytes: 1_000, limitBytes: 5_000 });
    const slow = new Heard();
    const gate = Promise.withResolvers<void>();
    const consumer = await slow.consume(fixture.log, { window: 1 }, () => gate.promise);
    for (let i = 1; i <= 100; i++) await fixture.log.publish([event('a', String(i).padStart(200, '0'))]);
    assert.ok(fixture.log.meters.dropped > 50);
    assert.ok((await segmentNames(fixture)).length <= 7);
    gate.resolve();
    await slow.until(() => slow.events.some(({ text }) => text.endsWith('100')));
    assert.ok(consumer.meters.skipped > 50);
    assert.equal(slow.first('a').length + consumer.meters.skipped, 100);
  });

  it('a group that is gone keeps no segment', async () => {
    await using fixture = await open({ segmentBytes: 1_000, groups: ['stays'] });
    await writeFile(join(fixture.directory, 'gone.position'), '0\n');
    await fixture.reopen();
    const heard = new Heard();
    await heard.consume(fixture.log, { group: 'stays' });
    for (let i = 1; i <= 50; i++) await fixture.log.publish([event('a', String(i).padStart(200, '0'))]);
    await heard.until(() => heard.events.length === 50);
    await fixture.reopen();
    assert.ok((await segmentNames(fixture)).length <= 2);
  });

  it('takes events again after a write that failed', async () => {
    await using fixture = await open();
    await fixture.log.publish(events('a', 1, 2));
    const [name] = await segmentNames(fixture);
    await fixture.reopen();
    await rm(join(fixture.directory, name as string));
    await assert.rejects(fixture.log.publish(events('a', 3, 3)), /could not be written/);
    await writeFile(join(fixture.directory, name as string), '');
    await fixture.log.publish(events('a', 3, 3));
    assert.equal(fixture.log.meters.failed, 1);
  });
});
