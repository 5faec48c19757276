import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { memoryStorage } from './storage.ts';
import { serverSource } from './server-source.ts';

const alice = { t: 'name', name: 'alice' } as const;

function setGlobal(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

before(() => {
  setGlobal('location', new URL('http://127.0.0.1:9501/'));
  setGlobal('sessionStorage', memoryStorage());
});

test('where sends are stored, nobody is told anything', async (t) => {
  setGlobal('indexedDB', new IDBFactory());
  const onUnkept = t.mock.fn();
  const client = await serverSource.open(alice, onUnkept);
  client.send(await client.direct('bob'), 'kept');
  await client.close();
  assert.equal(onUnkept.mock.callCount(), 0);
});

test('a send that cannot be stored is told of', async (t) => {
  setGlobal('indexedDB', new IDBFactory());
  const onUnkept = t.mock.fn();
  const client = await serverSource.open(alice, onUnkept);
  const full = new DOMException('no room', 'QuotaExceededError');
  t.mock.method(IDBObjectStore.prototype, 'put', () => {
    throw full;
  });
  client.send(await client.direct('bob'), 'not kept');
  await client.close();
  assert.ok(onUnkept.mock.callCount() > 0);
});

test('so is a browser that stores nothing, and one can write there all the same', async (t) => {
  setGlobal('indexedDB', undefined);
  const onUnkept = t.mock.fn();
  const client = await serverSource.open(alice, onUnkept);
  assert.equal(onUnkept.mock.callCount(), 1);
  const convId = await client.direct('bob');
  client.send(convId, 'not kept');
  assert.equal(client.log(convId).pending.length, 1);
  await client.close();
  // Signing out has nothing to forget, and nobody to tell.
  await serverSource.forget(alice);
  assert.equal(onUnkept.mock.callCount(), 1);
});
