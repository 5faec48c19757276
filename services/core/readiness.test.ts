import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readiness } from './readiness.ts';

test('a process is as ready as what it needs', () => {
  const readiness = new Readiness();
  let linked = false;
  readiness.needs('noMessageNode', () => linked);
  readiness.needs('nothing', () => true);
  assert.deepEqual(readiness.probe('/readyz'), { status: 503, text: 'starting' });
  readiness.ready();
  assert.deepEqual(readiness.probe('/readyz'), { status: 503, text: 'noMessageNode' });
  linked = true;
  assert.deepEqual(readiness.probe('/readyz'), { status: 200, text: 'ready' });
  linked = false;
  assert.equal(readiness.state, 'noMessageNode');
  readiness.draining();
  assert.deepEqual(readiness.probe('/readyz'), { status: 503, text: 'draining' });
  assert.deepEqual(readiness.probe('/livez'), { status: 200, text: 'alive' });
  assert.equal(readiness.probe('/ready'), undefined);
});
