import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Drafts, type DraftStorage } from './drafts.ts';

function memory(): DraftStorage & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

test('drafts outlive the page and belong to one user', () => {
  const storage = memory();
  new Drafts(storage, 'alice').set('lobby', 'half a thou');
  assert.equal(new Drafts(storage, 'alice').get('lobby'), 'half a thou');
  assert.equal(new Drafts(storage, 'bob').get('lobby'), '');
  assert.equal(new Drafts(storage, 'alice').get('other'), '');
});

test('names with separators do not meet', () => {
  const storage = memory();
  new Drafts(storage, 'a:b').set('c', 'one');
  assert.equal(new Drafts(storage, 'a').get('b:c'), '');
});

test('an emptied draft leaves nothing behind, and listeners hear of changes alone', () => {
  const storage = memory();
  const drafts = new Drafts(storage, 'alice');
  let changes = 0;
  const stop = drafts.onChange(() => changes++);
  drafts.set('lobby', 'x');
  drafts.set('lobby', 'x');
  drafts.set('lobby', ' ');
  assert.equal(changes, 2);
  assert.equal(storage.values.size, 0);
  stop();
  drafts.set('lobby', 'y');
  assert.equal(changes, 2);
});

test('the oldest drafts go when there are too many', () => {
  const storage = memory();
  storage.setItem('other', 'stays');
  const drafts = new Drafts(storage, 'alice');
  for (let i = 0; i < 250; i++) drafts.set(`c${i}`, `text ${i}`);
  assert.equal(storage.values.size, 201);
  assert.equal(new Drafts(storage, 'alice').get('c249'), 'text 249');
});

test('full storage costs no text while the page lives; garbage is no draft', () => {
  const full = memory();
  full.setItem = () => {
    throw new Error('full');
  };
  const drafts = new Drafts(full, 'alice');
  drafts.set('lobby', 'kept');
  assert.equal(drafts.get('lobby'), 'kept');
  for (const text of ['{', 'null', '7', '{"text":1,"atMs":2}']) {
    const storage = memory();
    storage.values.set('parley.draft:alice:lobby', text);
    assert.equal(new Drafts(storage, 'alice').get('lobby'), '', text);
  }
});
