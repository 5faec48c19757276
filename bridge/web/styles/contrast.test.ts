import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** WCAG 2 contrast of the page's colours, as the style sheets have them. */

const sheets = ['tokens.css', '../ui/avatar.css'].map((file) =>
  readFileSync(new URL(file, import.meta.url), 'utf8'),
);

/** `--name: light-dark(#light, #dark)`, by name; names that occur again are numbered. */
function colours(css: string): Map<string, readonly [light: string, dark: string]> {
  const found = new Map<string, readonly [string, string]>();
  for (const [, name = '', light = '', dark = ''] of css.matchAll(
    /--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\)/gu,
  )) {
    let key = name;
    for (let n = 1; found.has(key); n++) key = `${name}-${n}`;
    found.set(key, [light, dark]);
  }
  return found;
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const known = colours(sheets.join('\n'));

function check(front: string, back: string, least: number): void {
  for (const theme of [0, 1] as const) {
    const a = known.get(front)?.[theme];
    const b = known.get(back)?.[theme];
    assert.ok(a !== undefined && b !== undefined, `${front} or ${back} is not defined`);
    const ratio = contrast(a, b);
    assert.ok(ratio >= least, `${front} on ${back}, ${theme === 0 ? 'light' : 'dark'}: ${ratio.toFixed(2)}`);
  }
}

test('texts are readable on whatever they stand', () => {
  for (const back of ['paper', 'surface', 'raised', 'hover', 'accent-soft'])
    for (const front of ['ink', 'ink-soft']) check(front, back, 4.5);
  for (const back of ['paper', 'surface', 'raised', 'accent-soft']) check('accent', back, 4.5);
  for (const back of ['surface', 'raised', 'paper', 'danger-soft']) check('danger', back, 4.5);
  check('on-accent', 'accent', 4.5);
  check('on-accent', 'accent-hover', 4.5);
  check('on-danger', 'danger', 4.5);
  check('on-danger', 'danger-hover', 4.5);
  check('warn', 'warn-soft', 4.5);
});

test('faces, names in their colours, and the edges of fields', () => {
  for (let hue = 0; hue < 8; hue++) {
    const n = hue === 0 ? '' : `-${hue}`;
    check(`hue-ink${n}`, `hue-back${n}`, 4.5);
    check(`hue-ink${n}`, 'surface', 4.5);
  }
  check('line-strong', 'surface', 3);
  check('line-strong', 'paper', 3);
  check('online', 'surface', 3);
});
