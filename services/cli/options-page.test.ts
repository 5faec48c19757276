import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { option } from '../core/config.ts';
import { optionTables } from '../options.ts';
import { currentOptionsPage, optionsPage } from './options-page.ts';

test('docs/configuration.md is current (node services/cli/options-page.ts --write)', async () => {
  assert.equal(await currentOptionsPage(), optionsPage(optionTables));
});

test('every variable is named once, begins with PARLEY_ and has a default that it takes itself', () => {
  const options = Object.values(optionTables).flatMap((table) => Object.values(table));
  const names = options.map((each) => each.env);
  assert.equal(new Set(names).size, names.length);
  for (const each of options) {
    assert.match(each.env, /^PARLEY_[A-Z0-9_]+$/);
    assert.ok((each.type as z.ZodType).safeParse(each.default).success, `${each.env}: ${each.default}`);
  }
});

test('a table cell stays a cell', () => {
  const odd = option({ env: 'PARLEY_ODD', type: z.string(), default: 'a|b', doc: 'One | two.' });
  assert.match(optionsPage({ odd: { odd } }), /^\| `PARLEY_ODD` \| text \| `a\\\|b` \| One \\\| two\. \|$/m);
});
