import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Nodes } from '../helpers/nodes.ts';
import type { TestSession } from '../helpers/test-session.ts';

/** So many syncs read at once; what comes behind them waits. */
const atOnce = 32;

const sync = { case: 'sync', value: {} } as const;

async function busy() {
  const nodes = await Nodes.open({ connection: { maxSessionsPerUser: 100 } });
  const held = Promise.withResolvers<void>();
  const sessions: TestSession[] = [];
  for (let no = 0; no <= atOnce; no += 1) sessions.push(await nodes.signIn('ada', { deviceId: `d${no}` }));
  nodes.store.afterRead = (kind) => (kind === 'memberships' ? held.promise : undefined);
  const last = sessions.pop() as TestSession;
  const first = sessions.map((session) => session.ask(sync));
  await Promise.all(sessions.map((session) => session.barrier()));
  return { nodes, last, first, release: held.resolve };
}

describe('a sync that waits while too many come back at once', () => {
  it('is told to come again after a time, and is not carried out for nobody', async () => {
    const { nodes, last, first, release } = await busy();
    await using _ = nodes;
    const refused = last.refusal(sync);
    await last.barrier();
    nodes.clock.advance(16_000);
    release();
    await Promise.all(first);
    const { reason, retryAfterMs } = await refused;
    assert.deepEqual([reason, retryAfterMs, nodes.store.count('memberships')], ['overloaded', 2_000, atOnce]);
    await last.asked(sync, 'changes');
  });

  it('is not carried out once its session is gone', async () => {
    const { nodes, last, first, release } = await busy();
    await using _ = nodes;
    last.send(sync);
    await last.barrier();
    last.hangUp();
    release();
    await Promise.all(first);
    assert.equal(nodes.store.count('memberships'), atOnce);
  });
});
