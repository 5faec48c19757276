import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GapFetcher } from './gap-fetcher.ts';

test('pages one after the other, each conversation to its end', () => {
  const gaps = new GapFetcher();
  gaps.open('g', 10, 250);
  gaps.open('h', 1, 1);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 10, limit: 100 });
  assert.equal(gaps.next(), undefined);
  gaps.answered(109);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 110, limit: 100 });
  gaps.answered(300);
  assert.deepEqual(gaps.next(), { convId: 'h', fromSeq: 1, limit: 1 });
  gaps.answered(1);
  assert.equal(gaps.next(), undefined);
  assert.equal(gaps.size, 0);
});

test('live entries behind a gap widen it; those before it pass', () => {
  const gaps = new GapFetcher();
  gaps.open('g', 10, 11);
  assert.equal(gaps.covers('g', 9), false);
  assert.equal(gaps.covers('h', 12), false);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 10, limit: 2 });
  assert.equal(gaps.covers('g', 12), true);
  gaps.answered(11);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 12, limit: 1 });
  gaps.answered(12);
  assert.equal(gaps.covers('g', 13), false);
});

test('a page that brings nothing ends the gap; a refusal that may pass keeps it', () => {
  const gaps = new GapFetcher();
  gaps.open('g', 10, 20);
  gaps.next();
  gaps.answered(0);
  assert.equal(gaps.size, 0);
  gaps.open('g', 10, 20);
  gaps.next();
  gaps.refused(true);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 10, limit: 11 });
  gaps.refused(false);
  assert.equal(gaps.size, 0);
});

test('a refused gap lets those pass that were not, and is asked for again when they are done', () => {
  const gaps = new GapFetcher();
  gaps.open('g', 10, 20);
  gaps.open('h', 1, 150);
  gaps.next();
  gaps.refused(true);
  assert.deepEqual(gaps.next(), { convId: 'h', fromSeq: 1, limit: 100 });
  gaps.answered(100);
  assert.deepEqual(gaps.next(), { convId: 'h', fromSeq: 101, limit: 50 });
  gaps.answered(150);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 10, limit: 11 });
  gaps.answered(15);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 16, limit: 5 });
});

test('refused gaps take turns, and new ones go before them', () => {
  const gaps = new GapFetcher();
  for (const convId of ['g', 'h']) gaps.open(convId, 1, 1);
  const asked: (string | undefined)[] = [];
  for (let turn = 0; turn < 4; turn++) {
    asked.push(gaps.next()?.convId);
    gaps.refused(true);
  }
  assert.deepEqual(asked, ['g', 'h', 'g', 'h']);
  gaps.open('i', 1, 1);
  assert.equal(gaps.next()?.convId, 'i');
});

test('gaps of one conversation grow together', () => {
  const gaps = new GapFetcher();
  gaps.open('g', 10, 20);
  gaps.open('g', 5, 12);
  gaps.open('g', 15, 30);
  assert.deepEqual(gaps.next(), { convId: 'g', fromSeq: 5, limit: 26 });
});
