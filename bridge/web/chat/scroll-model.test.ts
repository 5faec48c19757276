import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RowSpec, ScrollModel } from './scroll-model.ts';

const row = (key: number | string): RowSpec => ({ key: String(key), estimate: 50, anchor: key !== 'older' });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

/** A browser in miniature: rows have true heights, and scrollTop is clamped. */
class Browser {
  readonly model = new ScrollModel();
  readonly heights: (key: string) => number;
  readonly viewport: number;
  rows: readonly RowSpec[] = [];
  top = 0;

  constructor(viewport: number, heights: (key: string) => number) {
    this.viewport = viewport;
    this.heights = heights;
    this.model.resized(viewport);
  }

  show(rows: readonly RowSpec[]): void {
    this.rows = rows;
    this.model.setRows(rows);
    this.draw();
  }

  /** Draws the window, measures, corrects, until nothing changes: what the component does before a paint. */
  draw(): void {
    for (let pass = 0; pass < 50; pass++) {
      const { from, to } = this.model.range();
      const drawn = this.rows.slice(from, to).map(({ key }) => [key, this.heights(key)] as const);
      const news = this.model.measured(drawn);
      this.top += this.model.correction();
      const after = this.model.range();
      if (!news && after.from === from && after.to === to) return;
    }
    assert.fail('the window never settles');
  }

  scrollTo(top: number): void {
    this.top = Math.max(0, Math.min(top, this.model.height - this.viewport));
    this.model.scrolled(this.top);
    this.draw();
  }

  /** Distance of a row from the top of the viewport. */
  seenAt(key: string): number {
    return this.model.offset(this.rows.findIndex((r) => r.key === key)) - this.top;
  }
}

test('a list begins at its end, whatever the heights turn out to be', () => {
  const browser = new Browser(600, (key) => 20 + (Number(key) % 7) * 30);
  browser.show(numbers(0, 10_000));
  assert.equal(browser.top, browser.model.height - 600);
  assert.ok(browser.model.atEnd);
  const { from, to } = browser.model.range();
  assert.equal(to, 10_000);
  assert.ok(to - from < 120, `draws ${to - from} rows`);
});

test('at the end, new rows scroll in; elsewhere they do not move a thing', () => {
  const browser = new Browser(600, () => 40);
  browser.show(numbers(0, 100));
  browser.show(numbers(0, 101));
  assert.equal(browser.top, browser.model.height - 600);
  browser.scrollTo(1_000);
  browser.show(numbers(0, 105));
  assert.equal(browser.top, 1_000);
  assert.ok(!browser.model.atEnd);
});

test('history put on top leaves what is in view where it is, even at the very top', () => {
  const browser = new Browser(600, (key) => (key === 'older' ? 48 : 30 + (Number(key) % 5) * 13));
  browser.show([row('older'), ...numbers(1_000, 1_100)]);
  browser.scrollTo(0);
  const before = browser.seenAt('1000');
  browser.show([row('older'), ...numbers(950, 1_100)]);
  assert.ok(Math.abs(browser.seenAt('1000') - before) < 1);
});

test('a row that is a target lands where it was asked to be', () => {
  const browser = new Browser(600, (key) => 20 + (Number(key) % 9) * 20);
  browser.show(numbers(0, 5_000));
  browser.model.goTo({ t: 'row', key: '123', offset: 64 });
  browser.draw();
  assert.ok(Math.abs(browser.seenAt('123') - 64) < 1);
  assert.ok(!browser.model.has('5000'));
});

test('short lists and empty ones', () => {
  const browser = new Browser(600, () => 40);
  browser.show([]);
  assert.deepEqual(browser.model.range(), { from: 0, to: 0 });
  browser.show(numbers(0, 3));
  assert.equal(browser.top, 0);
  assert.deepEqual(browser.model.range(), { from: 0, to: 3 });
});

test('what moved because rows turned out lower than assumed does not move back when the next one comes', () => {
  const browser = new Browser(500, (key) => 16 + ((Number(key) * 92) % 23) * 11);
  browser.show(numbers(5_000, 5_100));
  browser.scrollTo(browser.top - 865);
  browser.show(numbers(5_000, 5_102));
  browser.scrollTo(browser.top + 898);
  // The rows below turned out so low that the list ends here: the reader is at its end now, and stays there.
  assert.ok(browser.model.atEnd);
  browser.show(numbers(5_000, 5_103));
  assert.equal(browser.top, browser.model.height - 500);
});

test('property: whatever comes, what the reader looks at stays, and the window covers the view', () => {
  const change = fc.oneof(
    fc.record({ t: fc.constant('prepend' as const), n: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ t: fc.constant('append' as const), n: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ t: fc.constant('scroll' as const), n: fc.integer({ min: -3_000, max: 3_000 }) }),
    fc.record({ t: fc.constant('grow' as const), n: fc.integer({ min: 0, max: 500 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.array(change, { maxLength: 30 }), (salt, changes) => {
      const grown = new Map<string, number>();
      const height = (key: string) => 16 + ((Number(key) * salt) % 23) * 11 + (grown.get(key) ?? 0);
      const browser = new Browser(500, height);
      let [low, high] = [5_000, 5_100];
      browser.show(numbers(low, high));
      for (const { t, n } of changes) {
        const { place } = browser.model;
        const wanted = place.t === 'row' ? browser.seenAt(place.key) : 0;
        if (t === 'scroll') browser.scrollTo(browser.top + n);
        else if (t === 'prepend') browser.show(numbers((low -= n), high));
        else if (t === 'append') browser.show(numbers(low, (high += n)));
        else {
          grown.set(String(low + (n % (high - low))), n);
          browser.draw();
        }
        if (t !== 'scroll') {
          if (place.t === 'end') assert.equal(browser.top, Math.max(0, browser.model.height - 500));
          else assert.ok(Math.abs(browser.seenAt(place.key) - wanted) < 1, `${t} moved the view`);
        }
        const { from, to } = browser.model.range();
        assert.ok(browser.model.offset(from) <= browser.top);
        assert.ok(browser.model.offset(to) >= Math.min(browser.top + 500, browser.model.height));
      }
    }),
    { numRuns: 300 },
  );
});
