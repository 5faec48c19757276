import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { PushNotice } from '../provider.ts';
import { testNotice } from '../testing/notice.ts';
import { fitNotice } from './fit-notice.ts';

const texts = ({ title, body }: PushNotice): unknown => ({ title, body });

function bytes(notice: PushNotice): number {
  return Buffer.byteLength(JSON.stringify(texts(notice)));
}

it('what fits stays as it is', () => {
  const notice = testNotice();
  assert.equal(fitNotice(notice, bytes(notice), texts), notice);
});

it('a body is cut between characters, as people see them, and says so', () => {
  const cases: readonly (readonly [string, number, string | undefined])[] = [
    ['abcdef', 5, 'ab…'],
    ['abcdef', 6, 'abcdef'],
    // Six bytes of JSON each.
    ['\u0001\u0001\u0001', 9, '\u0001…'],
    ['äöü', 5, 'ä…'],
    // Four bytes each, of two units.
    ['😀😀😀', 11, '😀😀…'],
    ['😀😀😀', 10, '😀…'],
    // 'e' with an accent of its own, three bytes each.
    ['e\u0301e\u0301e\u0301', 8, 'e\u0301…'],
    ['👨‍👩‍👧‍👦 hello', 28, '👨‍👩‍👧‍👦…'],
  ];
  for (const [body, room, expected] of cases) {
    const notice = testNotice({ title: undefined, body });
    const empty = bytes({ ...notice, body: '' });
    assert.equal(fitNotice(notice, empty + room, texts)?.body, expected, body);
  }
});

it('the title goes after the body, and the notice after the title', () => {
  const notice = testNotice({ title: 'title', body: 'body' });
  const titleAlone = bytes({ ...notice, body: undefined });
  const fitted = fitNotice(notice, titleAlone, texts);
  assert.deepEqual([fitted?.title, fitted?.body], ['title', undefined]);
  const cut = fitNotice(notice, titleAlone - 1, texts);
  assert.deepEqual([cut?.title, cut?.body], ['t…', undefined]);
  assert.equal(fitNotice(notice, 10, texts), undefined);
  const hidden = testNotice({ title: undefined, body: undefined });
  assert.equal(fitNotice(hidden, 1, texts), undefined);
  assert.equal(fitNotice(hidden, 2, texts), hidden);
});

it('whatever is written, it fits, is a beginning of what was written, and has no less of it than there is room for', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.integer({ min: 40, max: 400 }),
      (body, limit) => {
        const notice = testNotice({ title: undefined, body });
        const fitted = fitNotice(notice, limit, texts);
        if (bytes(notice) <= limit) return assert.equal(fitted, notice);
        if (fitted?.body === undefined) return;
        assert.ok(bytes(fitted) <= limit);
        const kept = fitted.body.slice(0, -1);
        assert.ok(body.startsWith(kept) && fitted.body.endsWith('…'));
        const [next] = new Intl.Segmenter().segment(body.slice(kept.length));
        const more = `${kept}${next?.segment}…`;
        assert.ok(bytes({ ...notice, body: more }) > limit || `${kept}${next?.segment}` === body);
      },
    ),
  );
});

it('a text of megabytes costs no more than one of kilobytes', () => {
  let rendered = 0;
  const notice = testNotice({ body: 'x'.repeat(5_000_000) });
  fitNotice(notice, 4_096, (of) => {
    rendered = Math.max(rendered, of.body?.length ?? 0);
    return texts(of);
  });
  assert.ok(rendered > 0 && rendered <= 4_097);
});
