import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Heap, QuietCollector } from './quiet-collector.ts';

const mib = 1024 * 1024;

function open() {
  const heap = { busy: 0, live: 50 * mib, garbage: 0, collections: 0 };
  const process: Heap = {
    utilization: () => heap.busy,
    bytes: () => heap.live + heap.garbage,
    collect: () => {
      heap.garbage = 0;
      heap.collections += 1;
    },
  };
  const collector = new QuietCollector(process);
  // What was made at the start is collected first.
  collector.look();
  heap.collections = 0;
  return { heap, collector };
}

describe('in a quiet time', () => {
  it('garbage is collected, once', () => {
    const { heap, collector } = open();
    heap.garbage = 100 * mib;
    collector.look();
    collector.look();
    assert.equal(heap.collections, 1);
  });

  it('little of it is left alone', () => {
    const { heap, collector } = open();
    for (let look = 0; look < 10; look += 1) {
      heap.garbage = 20 * mib;
      collector.look();
    }
    assert.equal(heap.collections, 0);
  });

  it('what V8 has collected by itself is known to be so', () => {
    const { heap, collector } = open();
    heap.busy = 1;
    heap.live = 200 * mib;
    collector.look();
    heap.live = 30 * mib;
    collector.look();
    heap.busy = 0;
    heap.garbage = 30 * mib;
    collector.look();
    assert.equal(heap.collections, 1);
  });
});

describe('in a busy time', () => {
  it('nothing is collected', () => {
    const { heap, collector } = open();
    heap.busy = 0.06;
    heap.garbage = 500 * mib;
    collector.look();
    assert.equal(heap.collections, 0);
    heap.busy = 0.05;
    collector.look();
    assert.equal(heap.collections, 1);
  });
});
