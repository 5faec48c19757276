import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage } from '../app/storage.ts';
import { Drafts } from './drafts.ts';

test('drafts outlive the page and belong to one user', () => {
  const storage = memoryStorage();
  new Drafts(storage, 'alice').set('lobby', 'half a thou');
  assert.equal(new Drafts(storage, 'alice').get('lobby'), 'half a thou');
  assert.equal(new Drafts(storage, 'bob').get('lobby'), '');
  assert.equal(new Drafts(storage, 'alice').get('other'), '');
});

test('names with separators do not meet', () => {
  const storage = memoryStorage();
  new Drafts(storage, 'a:b').set('c', 'one');
  assert.equal(new Drafts(storage, 'a').get('b:c'), '');
});

test('an emptied draft leaves nothing behind, and listeners hear of changes alone', () => {
  const storage = memoryStorage();
  const drafts = new Drafts(storage, 'alice');
  let changes = 0;
  const stop = drafts.onChange(() => changes++);
  drafts.set('lobby', 'x');
  drafts.set('lobby', 'x');
  drafts.set('lobby', ' ');
  assert.equal(changes, 2);
  assert.equal(storage.length, 0);
  stop();
  drafts.set('lobby', 'y');
  assert.equal(changes, 2);
});

test('what another tab has written or sent is known, and told of where it was known before', () => {
  const storage = memoryStorage();
  const [one, other] = [new Drafts(storage, 'alice'), new Drafts(storage, 'alice')];
  const key = 'parley.draft:alice:lobby';
  let changes = 0;
  other.onChange(() => changes++);
  assert.equal(other.get('lobby'), '');
  one.set('lobby', 'half a thou');
  other.writtenElsewhere(key);
  assert.deepEqual([other.get('lobby'), changes], ['half a thou', 1]);
  one.set('lobby', '');
  other.writtenElsewhere(key);
  assert.deepEqual([other.get('lobby'), changes], ['', 2]);
  for (const strange of [
    'parley.draft:alice:garden',
    'parley.draft:bob:lobby',
    'parley.draft:alice:%',
    'other',
  ])
    other.writtenElsewhere(strange);
  assert.equal(changes, 2);
  one.set('lobby', 'again');
  storage.removeItem(key);
  other.writtenElsewhere(null);
  assert.deepEqual([other.get('lobby'), changes], ['', 3]);
});

test('clearing forgets one user’s drafts and nobody else’s', () => {
  const storage = memoryStorage();
  const alice = new Drafts(storage, 'alice');
  for (let i = 0; i < 10; i++) alice.set(`c${i}`, 'x');
  new Drafts(storage, 'bob').set('c1', 'stays');
  alice.clear();
  assert.equal(alice.get('c1'), '');
  assert.equal(storage.length, 1);
  assert.equal(new Drafts(storage, 'bob').get('c1'), 'stays');
});

test('the oldest drafts go when there are too many', () => {
  const storage = memoryStorage();
  storage.setItem('other', 'stays');
  const drafts = new Drafts(storage, 'alice');
  for (let i = 0; i < 250; i++) drafts.set(`c${i}`, `text ${i}`);
  assert.equal(storage.length, 201);
  assert.equal(new Drafts(storage, 'alice').get('c249'), 'text 249');
});

test('full storage costs no text while the page lives; garbage is no draft', () => {
  const full = memoryStorage();
  full.setItem = () => {
    throw new Error('full');
  };
  const drafts = new Drafts(full, 'alice');
  drafts.set('lobby', 'kept');
  assert.equal(drafts.get('lobby'), 'kept');
  for (const text of ['{', 'null', '7', '{"text":1,"atMs":2}']) {
    const storage = memoryStorage();
    storage.setItem('parley.draft:alice:lobby', text);
    assert.equal(new Drafts(storage, 'alice').get('lobby'), '', text);
  }
});
