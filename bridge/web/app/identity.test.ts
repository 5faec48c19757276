import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdentityStore, type TextStore } from './identity.ts';

function memory(): TextStore & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

const alice = { t: 'name', name: 'alice' } as const;
const bob = { t: 'token', token: 'ey.bob' } as const;

test('a new tab starts with who was remembered, and two tabs can be two people', () => {
  const device = memory();
  const first = new IdentityStore({ tab: memory(), device });
  const second = new IdentityStore({ tab: memory(), device });
  first.write(alice, true);
  assert.deepEqual(second.read(), alice);
  second.write(bob, true);
  assert.deepEqual(first.read(), alice);
  assert.deepEqual(new IdentityStore({ tab: memory(), device }).read(), bob);
});

test('what is not to be remembered stays in its tab, and replaces what was', () => {
  const device = memory();
  const tab = new IdentityStore({ tab: memory(), device });
  tab.write(alice, true);
  tab.write(bob, false);
  assert.deepEqual(tab.read(), bob);
  assert.equal(device.values.size, 0);
});

test('signing out forgets', () => {
  const device = memory();
  const tab = new IdentityStore({ tab: memory(), device });
  tab.write(alice, true);
  tab.clear();
  assert.equal(tab.read(), undefined);
});

test('storage with garbage, or none, means nobody', () => {
  for (const text of ['', '{', '[]', '1', '{"t":"name"}', '{"t":"token","token":7}', '{"t":"other"}']) {
    const tab = memory();
    tab.values.set('parley.identity', text);
    assert.equal(new IdentityStore({ tab, device: memory() }).read(), undefined, text);
  }
  const blocked: TextStore = {
    getItem: () => {
      throw new Error('blocked');
    },
    setItem: () => {
      throw new Error('blocked');
    },
    removeItem: () => {
      throw new Error('blocked');
    },
  };
  const store = new IdentityStore({ tab: blocked, device: blocked });
  store.write(alice, true);
  store.clear();
  assert.equal(store.read(), undefined);
});
