import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { piecesOf } from './links.ts';

const links = (text: string) =>
  piecesOf(text)
    .filter((piece) => piece.href !== undefined)
    .map((piece) => piece.text);

test('addresses are found, sentences around them are not', () => {
  assert.deepEqual(links('see https://example.org/a?b=c#d, or http://localhost:9501/.'), [
    'https://example.org/a?b=c#d',
    'http://localhost:9501/',
  ]);
  assert.deepEqual(links('(https://en.wikipedia.org/wiki/Chat_(disambiguation))'), [
    'https://en.wikipedia.org/wiki/Chat_(disambiguation)',
  ]);
  assert.deepEqual(links('www.example.org!'), ['www.example.org']);
  assert.deepEqual(links('“https://example.org”'), ['https://example.org']);
  assert.deepEqual(links('https://例え.jp/パス です'), ['https://例え.jp/パス']);
});

test('addresses are found in browsers that have no URL.parse', (t) => {
  t.mock.method(URL, 'parse', () => {
    throw new TypeError('URL.parse is not a function');
  });
  assert.deepEqual(links('see https://example.org/, not http://:'), ['https://example.org/']);
});

test('what is no address, or would run, is text', () => {
  for (const text of [
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://example.org',
    'https://',
    'foowww.example.org',
    'me@www.example.org',
    'xhttps://example.org',
    'http://:',
  ])
    assert.deepEqual(links(text), [], text);
});

test('a link names the address that it leads to', () => {
  assert.deepEqual(piecesOf('a www.example.org b'), [
    { text: 'a ' },
    { text: 'www.example.org', href: 'https://www.example.org/' },
    { text: ' b' },
  ]);
});

test('property: nothing is lost, and every link is http(s)', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('https://a.example', 'www.', ')', '(', '.', ' ', '//', 'http://x.example/'),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const pieces = piecesOf(text);
      assert.equal(pieces.map((piece) => piece.text).join(''), text);
      for (const { href } of pieces) if (href !== undefined) assert.match(href, /^https?:\/\//);
    }),
    { numRuns: 2_000 },
  );
});

test('many addresses are found, an endless one is text', () => {
  assert.deepEqual(links(`https://a.example/${')'.repeat(20_000)}`), []);
  assert.equal(piecesOf('https://a.example '.repeat(1_000)).length, 2_000);
});
