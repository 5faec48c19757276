import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { logFields } from '../services/core/log-fields.ts';
import { currentLogSearchFiles, logSearchFiles } from './log-search.ts';
import { dataStreams } from './log-search/index-template.ts';
import { searches } from './log-search/searches.ts';
import { root } from './paths.ts';

const known = new Set(Object.keys(logFields));

interface Mapped {
  readonly properties?: Readonly<Record<string, Mapped>>;
  readonly type?: string;
}

/** The fields of a mapping by their whole names. */
function fieldsOf({ properties = {} }: Mapped, above = ''): [name: string, type: string | undefined][] {
  return Object.entries(properties).flatMap(([name, mapped]) =>
    mapped.properties === undefined
      ? [[`${above}${name}`, mapped.type] as [string, string | undefined]]
      : fieldsOf(mapped, `${above}${name}.`),
  );
}

describe('what a search engine is told of the logs', () => {
  it('is current: npx node scripts/log-search.ts --write', async () => {
    assert.deepEqual(Object.fromEntries(await currentLogSearchFiles()), Object.fromEntries(logSearchFiles));
  });

  it('has each field that a line may have, as what it is', () => {
    for (const path of ['elk/index-template.json', 'rsyslog/index-template.json']) {
      const { template } = JSON.parse(logSearchFiles.get(path) as string) as {
        template: { mappings: Mapped };
      };
      assert.deepEqual(Object.fromEntries(fieldsOf(template.mappings)), logFields);
    }
  });

  it('names a policy of retention where the engine has one, and that one', () => {
    assert.match(logSearchFiles.get('elk/index-template.json') as string, /"name": "parley-logs"/);
    assert.doesNotMatch(logSearchFiles.get('rsyslog/index-template.json') as string, /lifecycle/);
  });
});

describe('saved searches', () => {
  it('ask for fields that lines have, and show such', () => {
    for (const { id, query, columns } of searches) {
      const asked = [...query.matchAll(/(?<![\w."])([\w.@]+):/g)].map(([, name]) => name as string);
      const existing = [...query.matchAll(/_exists_:([\w.@]+)/g)].map(([, name]) => name as string);
      const named = [...asked.filter((name) => name !== '_exists_'), ...existing];
      assert.ok(named.length > 0, id);
      for (const name of [...named, ...columns]) assert.ok(known.has(name), `${id}: ${name}`);
    }
  });

  it('ask for what the program says', async () => {
    const files = globSync('{services,bridge}/**/*.ts', { cwd: root }).filter(
      (file) => !file.endsWith('.test.ts'),
    );
    const sources = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')));
    const said = new Set(
      sources.flatMap((source) =>
        [...source.matchAll(/'event\.action': '([a-z-]+)'/g)].map(([, action]) => action),
      ),
    );
    for (const { id, query } of searches) {
      const clause = /event\.action:(?:"([a-z-]+)"|\(([^)]*)\))/.exec(query);
      const actions = clause?.[1] ?? clause?.[2];
      for (const action of actions?.match(/[a-z-]{2,}/g) ?? [])
        assert.ok(said.has(action), `${id}: nothing says ${action}`);
    }
  });

  it('have ids of their own, and are all of one data view', () => {
    const objects = (logSearchFiles.get('elk/saved-searches.ndjson') as string)
      .trimEnd()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            type: string;
            id: string;
            attributes: { title: string; kibanaSavedObjectMeta?: { searchSourceJSON: string } };
            references: { type: string; id: string; name: string }[];
          },
      );
    assert.equal(new Set(objects.map(({ id }) => id)).size - 1, searches.length);
    const [view, ...saved] = objects;
    assert.deepEqual([view?.type, view?.attributes.title], ['index-pattern', dataStreams]);
    for (const { id, references, attributes } of saved) {
      const { indexRefName, query } = JSON.parse(
        attributes.kibanaSavedObjectMeta?.searchSourceJSON as string,
      ) as { indexRefName: string; query: { language: string } };
      assert.deepEqual(references, [{ type: 'index-pattern', id: view?.id, name: indexRefName }], id);
      assert.equal(query.language, 'lucene', id);
    }
  });
});
