import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/e2e/support/until.ts';
import { MemoryNodeLeases } from '../adapters/memory/node-leases.ts';
import { systemClock } from '../core/clock.ts';
import { DirectoryError, type NodeRecord } from '../ports/directory.ts';
import { node } from '../ports/directory-conformance/fixture.ts';
import { NodeRegistration } from './node-registration.ts';

/** Leases of this process whose verbs wait until they are let go on, and fail where they are told to. */
class SlowLeases extends MemoryNodeLeases {
  readonly calls: string[] = [];
  readonly waiting: (() => void)[] = [];
  held = true;
  away = false;

  constructor() {
    super({ clock: systemClock, leaseMs: 3_600_000 });
  }

  override async renew(record: NodeRecord): Promise<'held' | 'superseded'> {
    this.calls.push(`${record.state} ${record.load}`);
    await this.#turn();
    return super.renew(record);
  }

  override async leave(record: NodeRecord): Promise<void> {
    this.calls.push('leave');
    await this.#turn();
    return super.leave(record);
  }

  /** Lets the oldest call that waits go on. */
  async next(): Promise<void> {
    await until(
      () => this.waiting.length > 0,
      () => `nothing waits after ${this.calls.join(', ')}`,
    );
    this.waiting.shift()?.();
  }

  async #turn(): Promise<void> {
    if (this.held) await new Promise<void>((resolve) => void this.waiting.push(resolve));
    if (this.away) throw new DirectoryError('unavailable', 'the directory is out of reach');
  }
}

function open(leases: SlowLeases, incarnation = 1) {
  const failures: unknown[] = [];
  const superseded: number[] = [];
  const { load: _load, ...told } = node('one', { state: 'joining', incarnation });
  const registration = new NodeRegistration({
    leases,
    node: told,
    load: () => 2,
    superseded: () => superseded.push(incarnation),
    failed: (error) => failures.push(error),
  });
  return { registration, failures, superseded };
}

const states = async (leases: SlowLeases): Promise<string[]> =>
  (await leases.list('message')).nodes.map(({ id, state }) => `${id} ${state}`);

describe('the registration of a node', () => {
  it('tells a state that changed while it was telling the one before', async () => {
    const leases = new SlowLeases();
    const { registration } = open(leases);
    const started = registration.start();
    const updates = [registration.update('ready'), registration.update('draining')];
    await leases.next();
    await leases.next();
    await Promise.all([started, ...updates]);
    assert.deepEqual(leases.calls, ['joining 1', 'draining 1']);
    assert.deepEqual(await states(leases), ['one draining']);
    leases.held = false;
    await registration.stop();
    assert.deepEqual(await states(leases), []);
  });

  it('leaves after a renewal that is under way, and renews no more', async () => {
    const leases = new SlowLeases();
    const { registration } = open(leases);
    const started = registration.start();
    const updated = registration.update('ready');
    const stopped = registration.stop();
    await leases.next();
    await leases.next();
    await Promise.all([started, updated, stopped]);
    await registration.renew();
    await registration.stop();
    assert.deepEqual(leases.calls, ['joining 1', 'leave']);
    assert.deepEqual(await states(leases), []);
  });

  it('tells what it could not tell with the first renewal that succeeds', async () => {
    const leases = new SlowLeases();
    leases.held = false;
    leases.away = true;
    const { registration, failures } = open(leases);
    await registration.start();
    await registration.update('ready');
    assert.equal(failures.length, 2);
    leases.away = false;
    await registration.renew();
    assert.deepEqual(await states(leases), ['one ready']);
    leases.away = true;
    await registration.stop();
    assert.equal(failures.length, 3);
  });

  it('ends where a later run has its name, which keeps it', async () => {
    const leases = new SlowLeases();
    leases.held = false;
    const [former, later] = [open(leases, 1), open(leases, 2)];
    await former.registration.start();
    await later.registration.start();
    await former.registration.update('ready');
    await former.registration.renew();
    assert.deepEqual(former.superseded, [1]);
    await former.registration.stop();
    assert.deepEqual(await states(leases), ['one joining']);
    await later.registration.stop();
    assert.deepEqual(later.superseded, []);
  });
});
