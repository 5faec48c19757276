import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { TypingSender } from './typing-sender.ts';

test('typing is said sparingly, and its end once', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const said: boolean[] = [];
  const sender = new TypingSender((active) => said.push(active));
  sender.stop();
  assert.deepEqual(said, []);
  for (let ms = 0; ms <= 3_000; ms += 250) sender.typed(ms);
  assert.deepEqual(said, [true, true]);
  mock.timers.tick(5_000);
  assert.deepEqual(said, [true, true, false]);
  sender.typed(9_000);
  sender.stop();
  sender.stop();
  assert.deepEqual(said, [true, true, false, true, false]);
  mock.timers.reset();
});
