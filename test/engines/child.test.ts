import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { until } from '../e2e/support/until.ts';
import { Child } from './child.ts';

const forever = 'setInterval(() => {}, 1000);';
/** Says who its own child is, which it moves to a process group of its own, as some servers do. */
const withHelper = {
  command: 'bash',
  args: ['-c', 'set -m; sleep 1000 & echo "ready $!"; wait'],
  readyWhen: /ready \d+\n/,
};
const node = (script: string) => ({ command: process.execPath, args: ['-e', script] });

/** R, S, T (stopped) …; undefined once it has ended, whether or not somebody has asked how. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
    return state === 'Z' ? undefined : state;
  } catch {
    return undefined;
  }
}

async function ended(pid: number): Promise<void> {
  await until(
    () => stateOf(pid) === undefined,
    () => `process ${pid} is ${stateOf(pid)}`,
  );
}

const helperOf = (child: Child) => Number(/ready (\d+)/.exec(child.output)?.[1]);

describe('a child', () => {
  it('ends with all that it started', async () => {
    const child = await Child.start(withHelper);
    const [pid, helper] = [child.pid, helperOf(child)];
    assert.notEqual(stateOf(helper), undefined);
    await child[Symbol.asyncDispose]();
    await Promise.all([ended(pid), ended(helper)]);
  });

  it('leaves nothing behind when it ended by itself', async () => {
    const child = await Child.start(withHelper);
    const helper = helperOf(child);
    const exit = once(child.process, 'exit');
    process.kill(child.pid, 'SIGKILL');
    await exit;
    assert.notEqual(stateOf(helper), undefined);
    await child[Symbol.asyncDispose]();
    await ended(helper);
  });

  it('ends with its parent, even if that is killed', async () => {
    const childModule = new URL('child.ts', import.meta.url).href;
    const script = `
      const { Child } = await import('${childModule}');
      const { pid } = await Child.start({ command: process.execPath, args: ['-e', 'console.log(1); ${forever}'], readyWhen: /1/ });
      console.log(pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const pid = Number(line);
    assert.notEqual(stateOf(pid), undefined);
    parent.kill('SIGKILL');
    await ended(pid);
  });

  it('stops where it is when it is frozen, and ends all the same', async () => {
    await using child = await Child.start({
      ...node(`console.log('ready'); ${forever}`),
      readyWhen: /ready/,
    });
    child.signal('SIGSTOP');
    await until(
      () => stateOf(child.pid) === 'T',
      () => `it is ${stateOf(child.pid)}`,
    );
    await child.stop('SIGTERM');
    assert.equal(child.process.signalCode, 'SIGTERM');
  });

  it('is asked again until it answers', async () => {
    let questions = 0;
    await using _child = await Child.start({
      ...node(forever),
      readyWhen: async () => {
        questions += 1;
        if (questions < 3) throw new Error('not yet');
      },
    });
    assert.equal(questions, 3);
  });

  it('says why it was not ready: how it ended, what it answered, what it wrote', async () => {
    const never = async () => {
      throw new Error('no answer');
    };
    const broken = node(`console.error('no such option'); setTimeout(() => process.exit(3), 200);`);
    await assert.rejects(Child.start({ ...broken, readyWhen: never }), {
      message: /ended with 3 before it was ready[^]*no answer[^]*no such option/,
    });
    await assert.rejects(Child.start({ ...node(forever), readyWhen: never, readyWithinMs: 300 }), {
      message: /not ready within 300 ms[^]*no answer/,
    });
    await assert.rejects(Child.start({ command: 'no-such-program', args: [], readyWhen: never }), {
      message: /no-such-program/,
    });
  });
});
