import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { UserId } from '../../core/ids.ts';
import { failsWith } from '../../ports/message-store-conformance/samples.ts';
import type { Call, Reply } from './protocol.ts';
import { ThreadCalls } from './thread-calls.ts';

/** The other thread, played by the test. */
class FakeWorker extends EventEmitter {
  readonly calls: Call[] = [];

  postMessage(call: Call): void {
    this.calls.push(call);
  }

  say(reply: Reply): void {
    this.emit('message', reply);
  }

  answer(call: Call | undefined, value?: unknown): void {
    assert.ok(call);
    this.say({ t: 'answer', id: call.id, value });
  }
}

async function fixture() {
  const worker = new FakeWorker();
  const fatal: Error[] = [];
  const calls = new ThreadCalls(worker as unknown as Worker, undefined, (error) => fatal.push(error));
  worker.say({ t: 'started', epoch: 'e', clientKeySecret: new Uint8Array(32) });
  await calls.started;
  return { worker, fatal, calls, commit: () => calls.call('commit', [packed(), undefined, false], packed()) };
}

const packed = () => ({ buffer: new ArrayBuffer(8), length: 8 });

describe('calls to the store’s thread', () => {
  it('let a few reads over at a time, and commits at once', async () => {
    const { worker, calls, commit } = await fixture();
    const reads = Array.from({ length: 20 }, () => calls.call('locate', [1n]));
    const committing = commit();
    assert.equal(worker.calls.length, 9);
    assert.equal(worker.calls.at(-1)?.name, 'commit');
    assert.deepEqual([calls.meters.reads, calls.meters.readsWaiting, calls.meters.writes], [8, 12, 1]);
    for (let at = 0; at < worker.calls.length; at++) worker.answer(worker.calls[at]);
    await Promise.all([...reads, committing]);
    assert.equal(worker.calls.length, 21);
    assert.deepEqual([calls.meters.reads, calls.meters.readsWaiting, calls.meters.writes], [0, 0, 0]);
  });

  it('refuse what does not fit, and only that', async () => {
    const { worker, calls, commit } = await fixture();
    const reads = Array.from({ length: 5_000 }, () => calls.call('locate', [1n]));
    const commits = Array.from({ length: 300 }, commit);
    for (let at = 0; at < worker.calls.length; at++) worker.answer(worker.calls[at]);
    const refused = async (all: Promise<unknown>[]) => {
      const settled = await Promise.allSettled(all);
      const rejected = settled.filter((one) => one.status === 'rejected');
      for (const { reason } of rejected) assert.ok(failsWith('unavailable')(reason));
      return rejected.length;
    };
    assert.equal(await refused(reads), 5_000 - 4_096 - 8);
    assert.equal(await refused(commits), 300 - 256);
    assert.equal(calls.meters.overloads, 5_000 - 4_096 - 8 + 300 - 256);
    assert.equal(await refused([commit()].map((one) => (worker.answer(worker.calls.at(-1)), one))), 0);
  });

  it('find room always where they only end what others wait for', async () => {
    const { worker, calls } = await fixture();
    const reads = Array.from({ length: 5_000 }, () => calls.call('locate', [1n]).catch(() => undefined));
    const ended = calls.call('backupEnd', []);
    for (let at = 0; at < worker.calls.length; at++) worker.answer(worker.calls[at]);
    await Promise.all([ended, ...reads]);
    assert.equal(worker.calls.at(-1)?.name, 'backupEnd');
  });

  it('are unknown for commits and unavailable for the rest once the thread has died', async () => {
    const { worker, fatal, calls, commit } = await fixture();
    const committing = assert.rejects(commit(), failsWith('unknown'));
    const reading = Array.from({ length: 12 }, () =>
      assert.rejects(calls.call('memberships', ['ada' as UserId, undefined, 1]), failsWith('unavailable')),
    );
    worker.emit('error', new Error('out of memory'));
    worker.emit('exit', 1);
    await Promise.all([committing, ...reading]);
    await assert.rejects(commit(), failsWith('unavailable'));
    assert.deepEqual(
      fatal.map(({ message }) => message),
      ['out of memory'],
    );
    await calls.close();
  });

  it('wait for what is under way when closed, and take nothing more', async () => {
    const { worker, calls, commit } = await fixture();
    const committing = commit();
    const closing = calls.close();
    await assert.rejects(calls.call('locate', [1n]), failsWith('unavailable'));
    worker.answer(worker.calls[0]);
    worker.answer(worker.calls[1]);
    worker.emit('exit', 0);
    await Promise.all([committing, closing]);
    await calls.close();
  });

  it('reject the start with what the thread says', async () => {
    const worker = new FakeWorker();
    const calls = new ThreadCalls(worker as unknown as Worker);
    worker.say({ t: 'notStarted', kind: 'unavailable', message: 'in use' });
    await assert.rejects(calls.started, failsWith('unavailable'));
  });
});
