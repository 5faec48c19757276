import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreDirectory } from '../adapters/embedded/testing/store-directory.ts';
import { systemClock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { silentLogger } from '../core/log.ts';
import type { AuditLog, AuditRecord } from '../ports/audit-log.ts';
import { StoreError } from '../ports/message-store.ts';
import { AuditTrail } from './audit-trail.ts';

const ops = { name: 'ops', remoteAddress: '192.0.2.7' };
const act = { action: 'sessions.end', target: 'ann', details: { device: 'phone' } };

/** A trail on a real store, which can be out of reach. */
async function place() {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await StoreDirectory.make());
  const { audit } = stack.use(await directory.open());
  const state = { away: false, writes: 0, rejects: undefined as Error | undefined };
  const writer: Pick<AuditLog, 'write'> = {
    write: async (shelf, records) => {
      state.writes += 1;
      if (state.rejects !== undefined) throw state.rejects;
      if (state.away) throw new StoreError('unavailable', 'away');
      await audit.write(shelf, records);
    },
  };
  const trail = new AuditTrail({ audit: writer, nodeId: 'e1', clock: systemClock, log: silentLogger });
  const records = () => audit.page({ before: undefined, limit: 1_000, shelves: ['acts'] });
  const tokens = () => audit.page({ before: undefined, limit: 1_000, shelves: ['issuedTokens'] });
  return { state, trail, records, tokens, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function ended(records: () => Promise<readonly AuditRecord[]>): Promise<AuditRecord> {
  for (;;) {
    const [record] = await records();
    if (record !== undefined && record.result !== 'begun') return record;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('an audit trail', () => {
  it('says of an act that was carried out in part that it failed', async () => {
    await using at = await place();
    const unreachable = ['e2'];
    await at.trail.act(
      ops,
      act,
      async () => unreachable,
      (left) => left.length === 0,
    );
    const { result, reason } = await ended(at.records);
    assert.deepEqual([result, reason], ['failed', 'partial']);
  });

  it('has an act recorded before it is carried out, and how it ended', async () => {
    await using at = await place();
    let seen: readonly AuditRecord[] = [];
    const result = await at.trail.act(ops, act, async () => {
      seen = await at.records();
      return 7;
    });
    assert.equal(result, 7);
    assert.deepEqual(
      seen.map(({ result: is, endedAtMs }) => [is, endedAtMs]),
      [['begun', 0]],
    );
    const record = await ended(at.records);
    const { id, atMs, endedAtMs, ...rest } = record;
    assert.equal(id, seen[0]?.id);
    assert.ok(endedAtMs >= atMs && Date.now() - atMs < 60_000);
    assert.deepEqual(rest, {
      actor: 'ops',
      action: 'sessions.end',
      target: 'ann',
      remoteAddress: '192.0.2.7',
      nodeId: 'e1',
      details: { device: 'phone' },
      result: 'done',
      reason: '',
    });
  });

  it('tells a refusal from a failure', async () => {
    await using at = await place();
    const refusal = new Fault('ownerMustHandOver');
    await assert.rejects(
      at.trail.act(ops, act, () => Promise.reject(refusal)),
      refusal,
    );
    const refused = await ended(at.records);
    assert.deepEqual([refused.result, refused.reason], ['refused', 'ownerMustHandOver']);
    await assert.rejects(
      at.trail.act(ops, { ...act, target: 'bea' }, () => Promise.reject(new Error('bug'))),
      /bug/,
    );
    // Tokens are revoked before the owner is asked: that it does not answer does not mean that nothing was done.
    for (const reason of ['upstreamUnavailable', 'timedOut'] as const)
      await assert.rejects(
        at.trail.act(ops, { ...act, target: reason }, () => Promise.reject(new Fault(reason))),
        { reason },
      );
    await at.trail.stop();
    const records = await at.records();
    const results = ['bea', 'upstreamUnavailable', 'timedOut'].map((target) => {
      const record = records.find((each) => each.target === target);
      return [record?.result, record?.reason];
    });
    assert.deepEqual(results, [
      ['failed', 'internal'],
      ['failed', 'upstreamUnavailable'],
      ['failed', 'timedOut'],
    ]);
  });

  it('carries nothing out that can not be recorded', async () => {
    await using at = await place();
    at.state.away = true;
    let done = false;
    await assert.rejects(
      at.trail.act(ops, act, async () => {
        done = true;
      }),
      (error: unknown) => error instanceof Fault && error.reason === 'storeUnavailable',
    );
    assert.equal(done, false);
    await assert.rejects(
      at.trail.issued(ops, { action: 'token.issue', target: 'ann' }),
      (error: unknown) => error instanceof Fault && error.reason === 'storeUnavailable',
    );
  });

  it('keeps how an act ended until it can be recorded', async () => {
    await using at = await place();
    await at.trail.act(ops, act, async () => {
      at.state.away = true;
    });
    assert.equal((await at.records())[0]?.result, 'begun');
    at.state.away = false;
    assert.equal((await ended(at.records)).result, 'done');
  });

  it('gives up an end that the log does not keep, so that later ones are recorded', async () => {
    await using at = await place();
    for (const error of [new StoreError('rejected', 'too long'), new Fault('invalidField')]) {
      await at.trail.act(ops, act, async () => {
        at.state.rejects = error;
      });
      await at.trail.act(ops, act, async () => {}).catch(() => {});
      at.state.rejects = undefined;
    }
    await at.trail.act(ops, { ...act, target: 'later' }, async () => {});
    await at.trail.stop();
    assert.equal(at.trail.lost, 2);
    // By their targets: ids of one millisecond sort as they please.
    const results = (await at.records()).map(({ target, result }) => `${target}: ${result}`);
    assert.deepEqual(results.sort(), ['ann: begun', 'ann: begun', 'later: done']);
  });

  it('writes tokens that are issued at once together, and none of them before it is recorded', async () => {
    await using at = await place();
    await Promise.all(
      Array.from({ length: 500 }, (_, no) =>
        at.trail.issued(ops, { action: 'token.issue', target: `u${no}` }),
      ),
    );
    assert.equal((await at.tokens()).length, 500);
    assert.ok(at.state.writes < 20, `${at.state.writes} writes`);
    assert.deepEqual(await at.records(), []);
  });

  it('I6: lets only so many tokens wait', async () => {
    await using at = await place();
    const asked = Array.from({ length: 12_000 }, (_, no) =>
      at.trail.issued(ops, { action: 'token.issue', target: `u${no}` }).then(
        () => 'recorded',
        (error: Fault) => error.reason,
      ),
    );
    const told = await Promise.all(asked);
    assert.ok(told.filter((each) => each === 'overloaded').length > 500);
    assert.ok(told.filter((each) => each === 'recorded').length >= 10_000);
  });

  it('cuts what is too long for a record rather than losing it', async () => {
    await using at = await place();
    await at.trail.act(ops, { ...act, target: '🙂'.repeat(400) }, async () => {});
    assert.match((await ended(at.records)).target, /^🙂{127}…$/u);
    const details = Object.fromEntries(Array.from({ length: 20 }, (_, no) => [`d${no}`, `${no}`]));
    at.trail.note({ action: 'node.start', target: 'e1', details });
    await at.trail.stop();
    const kept = (await at.records()).find(({ target }) => target === 'e1')?.details ?? {};
    assert.equal(Object.keys(kept).length, 16);
    assert.deepEqual([kept['d14'], kept['…']], ['14', '5 more']);
  });
});
