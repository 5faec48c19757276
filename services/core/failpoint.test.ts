import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { FailpointError, Failpoints } from './failpoint.ts';

describe('failpoints', () => {
  it('are absent when none is asked for', () => {
    assert.equal(Failpoints.parse(''), undefined);
    assert.equal(Failpoints.parse('  '), undefined);
  });

  it('refuse what they can not read, and name it', () => {
    const refused = [
      'beforeCommit',
      'beforeCommit=explode',
      'nowhere=crash',
      'beforeCommit=delay',
      'midBatch=crash@x',
    ];
    for (const text of refused) {
      const named = text.startsWith('nowhere') ? /nowhere/ : new RegExp(text);
      assert.throws(() => Failpoints.parse(text), { name: 'RangeError', message: named });
    }
  });

  it('fail where and when they are told to', async () => {
    const points = Failpoints.parse('midBatch=error@2, afterCommit=delay:1');
    assert.equal(points?.hit('midBatch'), undefined);
    assert.throws(() => points?.hit('midBatch'), FailpointError);
    assert.equal(points?.hit('midBatch'), undefined);
    assert.equal(points?.hit('beforeCommit'), undefined);
    await points?.hit('afterCommit');
  });

  it('fail every time without a number', () => {
    const points = Failpoints.parse('beforeCommit=error');
    for (let hit = 0; hit < 3; hit++) assert.throws(() => points?.hit('beforeCommit'), FailpointError);
  });

  it('kill the process', async () => {
    const child = hitInChild('crash');
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');
  });

  it('freeze the process until it is woken', async () => {
    const child = hitInChild('freeze');
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    await once(child.stdout, 'data');
    // Waking a process that is not stopped yet does nothing: do it until it has gone on.
    const waking = setInterval(() => child.kill('SIGCONT'), 10);
    await once(child, 'exit');
    clearInterval(waking);
    assert.equal(output, 'before\nafter\n');
  });
});

function hitInChild(action: string) {
  const code = `
    import { Failpoints } from ${JSON.stringify(import.meta.resolve('./failpoint.ts'))};
    import { writeSync } from 'node:fs';
    const points = Failpoints.parse('beforeCommit=${action}');
    writeSync(1, 'before\\n');
    points.hit('beforeCommit');
    writeSync(1, 'after\\n');`;
  const args = ['--input-type=module', '--eval', code];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}
