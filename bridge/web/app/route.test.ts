import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, parseRoute, type Route } from './route.ts';

test('every place has an address that leads back to it', () => {
  const routes: Route[] = [
    { t: 'list' },
    { t: 'conversation', convId: 'lobby' },
    { t: 'conversation', convId: 'a/b #?%20' },
    { t: 'user', userId: '李 雷' },
  ];
  for (const route of routes) assert.deepEqual(parseRoute(hashOf(route)), route);
});

test('an address that means nothing leads to the list', () => {
  for (const hash of ['', '#', '#/', '#/c/', '#/x/lobby', '#/c/%E0%A4%A', 'lobby'])
    assert.deepEqual(parseRoute(hash), { t: 'list' }, hash);
});
