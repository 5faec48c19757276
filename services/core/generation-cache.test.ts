import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GenerationCache } from './generation-cache.ts';

describe('a generation cache', () => {
  it('keeps what is used, and forgets what is not', () => {
    const cache = new GenerationCache<number, number>(10);
    cache.set(-1, 42);
    for (let key = 0; key < 1_000; key++) {
      cache.set(key, key);
      assert.equal(cache.get(-1), 42);
    }
    assert.equal(cache.get(0), undefined);
    assert.equal(cache.get(999), 999);
    let held = 0;
    for (let key = 0; key < 1_000; key++) if (cache.get(key) !== undefined) held += 1;
    assert.ok(held <= 20, `holds ${held}`);
  });

  it('answers with the newest value, and with nothing once cleared', () => {
    const cache = new GenerationCache<string, number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.set('a', 3);
    assert.equal(cache.get('a'), 3);
    cache.clear();
    assert.equal(cache.get('a'), undefined);
    assert.equal(cache.get('b'), undefined);
  });
});
