import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { commandsFor } from '../services/commands.ts';
import { faults } from '../services/core/fault.ts';
import { optionTables } from '../services/options.ts';
import { namedIn } from './named-in-docs.ts';
import { root } from './paths.ts';

/** Whoever reads these pages in need has no time for what is called otherwise by now. */
const pages = ['docs/operations.md', 'docs/backups.md'];

/** Words with dashes that name something else: units, suites of the tests, programs of others. */
const otherWords = new Set([
  'slow-reader',
  'cut-links',
  'disk-full',
  'two-owners',
  'scale-out',
  'volatile-lru',
  'cluster-data',
  'engines-data',
  'x-forwarded-for',
  'prometheus-node-exporter',
  'prometheus-mysqld-exporter',
  'prometheus-redis-exporter',
  'prometheus-nginx-exporter',
  'prometheus-blackbox-exporter',
]);
/** Variables of the environment of other programs. */
const otherVariables = new Set(['PARLEY_DASHBOARDS']);

const sources = globSync(['services/**/*.ts', 'bridge/*.ts', 'bridge/dialects/*.ts'], { cwd: root })
  .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
  .map((file) => readFileSync(path.join(root, file), 'utf8'));

function quotedIn(pattern: RegExp): Set<string> {
  return new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map(([, name]) => name as string)));
}

const metrics = quotedIn(/'((?:chat|nodejs|process)_[a-z_]+)'/g);
const events = quotedIn(/'event\.action': '([a-z-]+)'/g);
const variables = new Set(
  Object.values(optionTables).flatMap((table) => Object.values(table).map(({ env }) => env)),
);

const commandsByName = new Map((await commandsFor()).map((command) => [command.name, command]));

describe('what docs for operators name', () => {
  for (const page of pages) {
    it(`exists: ${page}`, async () => {
      const named = namedIn(await readFile(path.join(root, page), 'utf8'));
      const missing: string[] = [];
      const miss = (what: string, names: Iterable<string>) =>
        missing.push(...[...names].map((name) => `${what} ${name}`));
      for (const { name, options } of named.commands) {
        const command = commandsByName.get(name);
        if (command === undefined) miss('the command', [name]);
        else
          miss(
            `of ${name} the option`,
            options.filter((option) => !Object.hasOwn(command.options, option)),
          );
      }
      miss(
        'the variable',
        named.variables.filter((name) => !variables.has(name) && !otherVariables.has(name)),
      );
      // A histogram has names behind its own.
      const plain = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '');
      miss(
        'the metric',
        named.metrics.filter((name) => !metrics.has(name) && !metrics.has(plain(name))),
      );
      miss(
        'the event',
        named.events.filter(
          (name) => !events.has(name) && !commandsByName.has(name) && !otherWords.has(name),
        ),
      );
      miss(
        'the reason',
        named.reasons.filter((name) => !Object.hasOwn(faults, name)),
      );
      assert.deepEqual(missing, []);
      assert.ok(named.commands.length > 3 && named.variables.length > 3 && named.metrics.length > 1);
    });
  }

  it('is found in prose and in code', () => {
    const named = namedIn(
      [
        'See `chat_x_total{type}`, `PARLEY_X`, `some-event` and `someReason`; run `parley frob --now`',
        '```sh',
        'A=1 parley check --all | parley fetch    # parley is no command here: --none',
        'node services/main.ts start --roles message && npm run parley -- chat ann',
        '```',
      ].join('\n'),
    );
    assert.deepEqual(named, {
      commands: [
        { name: 'check', options: ['all'] },
        { name: 'fetch', options: [] },
        { name: 'start', options: ['roles'] },
        { name: 'chat', options: [] },
        { name: 'frob', options: ['now'] },
      ],
      variables: ['PARLEY_X'],
      metrics: ['chat_x_total'],
      events: ['some-event'],
      reasons: ['someReason'],
    });
  });
});
