import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Scope } from './scope.ts';

test('releases run once, in reverse order', () => {
  const ran: string[] = [];
  const scope = new Scope();
  scope.add(() => ran.push('first'));
  const keep = scope.add(() => ran.push('kept out'));
  scope.add(() => ran.push('last'));
  keep();
  scope.close();
  scope.close();
  assert.deepEqual(ran, ['last', 'first']);
  assert.equal(scope.closed, true);
});

test('a closed scope releases at once', () => {
  const scope = new Scope();
  scope.close();
  let released = false;
  scope.add(() => {
    released = true;
  });
  assert.equal(released, true);
});

test('a release that throws does not keep the others from running', () => {
  const ran: string[] = [];
  const scope = new Scope();
  scope.add(() => ran.push('first'));
  scope.add(() => {
    throw new Error('boom');
  });
  assert.throws(() => scope.close(), /boom/);
  assert.deepEqual(ran, ['first']);
});

test('timers end with the scope', () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  try {
    const ran: string[] = [];
    const scope = new Scope();
    scope.timeout(10, () => ran.push('timeout'));
    scope.timeout(10, () => ran.push('cancelled'))();
    scope.timeout(50, () => ran.push('too late'));
    scope.interval(15, () => ran.push('tick'));
    mock.timers.tick(10);
    mock.timers.tick(20);
    scope.close();
    scope.timeout(1, () => ran.push('after close'));
    mock.timers.tick(100);
    assert.deepEqual(ran, ['timeout', 'tick', 'tick']);
  } finally {
    mock.timers.reset();
  }
});
