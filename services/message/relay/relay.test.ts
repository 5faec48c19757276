import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CommittedEventSchema } from '../../../gen/parley/node/v1/event_log_pb.ts';
import {
  decodeCommittedBatch,
  decodeCommittedEvent,
  encodeCommittedBatch,
} from '../../codec/committed-event.ts';
import type { ConvId } from '../../core/ids.ts';
import { silentLogger } from '../../core/log.ts';
import { EventLogError, type LogEvent } from '../../ports/event-log.ts';
import { StoreError } from '../../ports/message-store.ts';
import { OutboxTable } from '../testing/outbox-table.ts';
import { Adopter } from './adopter.ts';
import { Relay, type RelayOutbox } from './relay.ts';
import { until } from '../../../test/e2e/support/until.ts';

/** The payload of a row, and its events as the log gets them: one entry with this seq. */
function row(batchId: number, convId: string, seq: number) {
  const event = create(CommittedEventSchema, { convId, entries: [{ seq: BigInt(seq), sender: 'ann' }] });
  const payload = encodeCommittedBatch([event]);
  const events = decodeCommittedBatch(payload).map(({ convId: id, value }) => ({
    convId: id as ConvId,
    value,
  }));
  return { batchId: BigInt(batchId), payload, events };
}

/** A log that takes, refuses or hangs as a test wants it, and keeps what it took. */
class Log {
  readonly taken: string[] = [];
  failures: Error[] = [];
  gate: Promise<void> | undefined;

  async publish(events: readonly LogEvent[]): Promise<void> {
    await this.gate;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    for (const { convId, value } of events) {
      this.taken.push(`${convId}:${decodeCommittedEvent(value).entries[0]?.seq}`);
    }
  }
}

const down = () => new EventLogError('unavailable', 'down');

function make(outbox?: Partial<RelayOutbox> & { readonly rows: OutboxTable }, limits = {}) {
  const log = new Log();
  let nowMs = 0;
  const relay = new Relay({
    events: log,
    outbox: outbox === undefined ? undefined : { incarnation: () => 1, linked: () => true, ...outbox },
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    random: () => 0,
    log: silentLogger,
    limits,
  });
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { relay, log, pass, [Symbol.asyncDispose]: () => relay.stop() };
}

describe('a relay', () => {
  it('publishes in order through failures, and tells of them', async () => {
    await using parts = make();
    const { relay, log } = parts;
    log.failures = [down(), down()];
    for (let no = 1; no <= 5; no++) relay.committed(BigInt(no), row(no, 'g', no).events);
    await relay.drain(10_000);
    assert.deepEqual(log.taken, ['g:1', 'g:2', 'g:3', 'g:4', 'g:5']);
    assert.deepEqual({ ...relay.meters }, { published: 5, failed: 2, lost: 0, forced: 0 });
    assert.equal(relay.lag, 0);
  });

  it('passes over what the log will never take, counted', async () => {
    await using parts = make();
    const { relay, log } = parts;
    log.failures = [new EventLogError('rejected', 'too large')];
    relay.committed(1n, row(1, 'g', 1).events);
    await relay.drain(10_000);
    relay.committed(2n, row(2, 'g', 2).events);
    await relay.drain(10_000);
    assert.deepEqual(log.taken, ['g:2']);
    assert.equal(relay.meters.lost, 1);
  });

  it('I6: loses what it has no room for where there is no outbox, counted', async () => {
    await using parts = make(undefined, { queueBytes: 1_000 });
    const { relay, log } = parts;
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    for (let no = 1; no <= 100; no++) relay.committed(BigInt(no), row(no, 'g', no).events);
    assert.ok(relay.waitingBytes <= 1_000);
    gate.resolve();
    await relay.drain(10_000);
    assert.equal(log.taken.length + relay.meters.lost, 100);
    assert.ok(relay.meters.lost > 50);
  });

  it('reads from the outbox what it had no room for, though the outbox fails for a while', async () => {
    const rows = new OutboxTable();
    await using parts = make({ rows }, { queueBytes: 1_000 });
    const { relay, log } = parts;
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    rows.broken = new StoreError('unavailable', 'no database');
    for (let no = 1; no <= 1_200; no++) {
      const each = row(no, 'g', no);
      rows.insert(1, each);
      relay.committed(each.batchId, each.events);
    }
    gate.resolve();
    await until(
      () => relay.meters.failed >= 2,
      () => 'nothing failed',
    );
    rows.broken = undefined;
    await relay.drain(20_000);
    assert.deepEqual(
      log.taken,
      Array.from({ length: 1_200 }, (_, i) => `g:${i + 1}`),
    );
    assert.equal(relay.meters.lost, 0);
  });

  it('finds in the outbox what was committed without its knowing', async () => {
    const rows = new OutboxTable();
    await using parts = make({ rows });
    rows.insert(1, row(1, 'g', 1));
    parts.relay.uncertain(1n);
    await parts.relay.drain(10_000);
    assert.deepEqual(parts.log.taken, ['g:1']);
  });

  it('removes rows that are published and old enough, while all edges are linked', async () => {
    const rows = new OutboxTable();
    let linked = false;
    await using parts = make({ rows, linked: () => linked }, { keepMs: 5_000 });
    const { relay, pass } = parts;
    const commit = async (no: number) => {
      const each = row(no, 'g', no);
      rows.insert(1, each);
      relay.committed(each.batchId, each.events);
      await relay.drain(10_000);
    };
    await commit(1);
    pass(10_000);
    await commit(2);
    assert.equal(rows.count(1), 2);
    linked = true;
    await commit(3);
    assert.equal(rows.count(1), 2);
    assert.equal(relay.keptRows, 2);
    pass(5_000);
    await commit(4);
    assert.equal(rows.count(1), 1);
  });

  it('I6: keeps no more rows than it may, whoever is linked, counted', async () => {
    const rows = new OutboxTable();
    await using parts = make({ rows, linked: () => false }, { keepRows: 10 });
    for (let no = 1; no <= 50; no++) {
      const each = row(no, 'g', no);
      rows.insert(1, each);
      parts.relay.committed(each.batchId, each.events);
    }
    await parts.relay.drain(10_000);
    assert.equal(rows.count(1), 10);
    assert.equal(parts.relay.meters.forced, 40);
  });

  it('leaves its rows alone once it has another incarnation', async () => {
    const rows = new OutboxTable();
    let incarnation = 1;
    await using parts = make({ rows, incarnation: () => incarnation }, { keepMs: 0 });
    const { relay, log } = parts;
    log.failures = [down()];
    rows.insert(1, row(1, 'g', 1));
    relay.committed(1n, row(1, 'g', 1).events);
    incarnation = 2;
    rows.insert(2, row(2, 'g', 2));
    relay.committed(2n, row(2, 'g', 2).events);
    await relay.drain(10_000);
    assert.deepEqual(log.taken, ['g:2']);
    assert.equal(rows.count(1), 1);
    assert.equal(rows.count(2), 0);
  });
});

describe('an adopter', () => {
  function adopt(rows: OutboxTable, log: Log, forwarded: bigint[], adopts = (_: bigint) => true) {
    return new Adopter({
      rows,
      events: log,
      adopts,
      forward: async (page) => void forwarded.push(...page.map(({ batchId }) => batchId)),
      log: silentLogger,
    });
  }

  it('publishes and forwards what dead nodes left, in order, then removes it; living ones keep theirs', async () => {
    const [rows, log, forwarded] = [new OutboxTable(), new Log(), [] as bigint[]];
    for (let no = 1; no <= 1_100; no++) rows.insert(1, row(no, 'g', no));
    rows.insert(2, row(1, 'alive', 1));
    rows.leases.add(2);
    const adopter = adopt(rows, log, forwarded);
    await adopter.look();
    assert.deepEqual(
      log.taken,
      Array.from({ length: 1_100 }, (_, i) => `g:${i + 1}`),
    );
    assert.equal(forwarded.length, 1_100);
    assert.deepEqual([rows.count(1), rows.count(2)], [0, 1]);
    assert.equal(adopter.meters.adopted, 1_100);
  });

  it('takes the rows that are its own alone', async () => {
    const [rows, log] = [new OutboxTable(), new Log()];
    for (let no = 1; no <= 4; no++) rows.insert(1, row(no, 'g', no));
    await adopt(rows, log, [], (batchId) => batchId % 2n === 0n).look();
    assert.deepEqual(log.taken, ['g:2', 'g:4']);
    assert.equal(rows.count(1), 2);
  });

  it('removes nothing that was not published, and tries again', async () => {
    const [rows, log, forwarded] = [new OutboxTable(), new Log(), [] as bigint[]];
    rows.insert(1, row(1, 'g', 1));
    log.failures = [down()];
    const adopter = adopt(rows, log, forwarded);
    await adopter.look();
    assert.deepEqual([rows.count(1), forwarded.length, adopter.meters.failed], [1, 0, 1]);
    await adopter.look();
    assert.deepEqual([rows.count(1), forwarded.length], [0, 1]);
  });
});
