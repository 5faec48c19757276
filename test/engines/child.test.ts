import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
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

/** A process that runs this code, for as long as nobody ends it. Resolves with the first line that it says. */
async function parent(code: string): Promise<{ readonly process: ChildProcess; readonly said: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { process: child, said };
}

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
    const { process: killed, said } = await parent(`
      const { Child } = await import('${childModule}');
      const args = ['-e', 'console.log(1); ${forever}'];
      const { pid } = await Child.start({ command: process.execPath, args, readyWhen: /1/ });
      console.log(pid);`);
    const pid = Number(said);
    assert.notEqual(stateOf(pid), undefined);
    killed.kill('SIGKILL');
    await ended(pid);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`leaves no directory behind when its parent is told to end by ${signal}`, async () => {
      const redis = new URL('redis-server.ts', import.meta.url).href;
      const { process: told, said } = await parent(`
        const { RedisServer } = await import('${redis}');
        const server = await RedisServer.start();
        const [, directory] = await server.ask('CONFIG', 'GET', 'dir');
        console.log(server.pid, directory);`);
      const [pid, directory] = said.split(' ') as [string, string];
      assert.ok(existsSync(directory), directory);
      const exit = once(told, 'exit');
      told.kill(signal);
      assert.deepEqual(await exit, [null, signal]);
      assert.ok(!existsSync(directory), directory);
      await ended(Number(pid));
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

  it('tells of each line as a whole, whatever else it has written since', async () => {
    const lines: string[] = [];
    const script = `const line = 'x'.repeat(999);
      for (let no = 0; no < 100; no += 1) console.log(no, line);
      console.error('an error'); console.log('ready');`;
    const onLine = (line: string) => lines.push(line);
    await using child = await Child.start({ ...node(script), readyWhen: /ready\n/, onLine });
    await until(
      () => lines.length === 102,
      () => `${lines.length} lines`,
    );
    assert.ok(lines.includes('an error'));
    assert.deepEqual(
      lines.filter((line) => line.length > 20).map((line) => parseInt(line, 10)),
      Array.from({ length: 100 }, (_, no) => no),
    );
    assert.ok(child.output.length < 50_000);
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
