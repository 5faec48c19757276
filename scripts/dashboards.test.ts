import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { metricsOf, serverMetrics } from '../test/deploy/support/metric-names.ts';
import { currentDashboardFiles, dashboardFiles, dashboards } from './dashboards.ts';

const run = promisify(execFile);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

const made = [...dashboardFiles()].map(([name, text]) => ({ name, ...(JSON.parse(text) as Dashboard) }));
const panels = made.flatMap((dashboard) => dashboard.panels.map((panel) => ({ dashboard, ...panel })));
const graphs = panels.filter(({ type }) => type !== 'row');

/** An expression as Prometheus takes it: Grafana puts in what begins with a dollar sign. */
const filled = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');

describe('dashboards', () => {
  it('in the repository are current: npx node scripts/dashboards.ts --write', async () => {
    assert.deepEqual(Object.fromEntries(await currentDashboardFiles()), Object.fromEntries(dashboardFiles()));
  });

  it('have names, addresses and ids of their own', () => {
    assert.equal(made.length, dashboards.length, 'two have one file');
    for (const key of ['uid', 'title', 'name'] as const)
      assert.equal(new Set(made.map((dashboard) => dashboard[key])).size, made.length, key);
    for (const { uid, panels: own } of made) {
      assert.match(uid, /^[a-z-]{1,40}$/);
      assert.equal(new Set(own.map(({ id }) => id)).size, own.length, uid);
      assert.ok(own.every(({ id }) => id > 0));
    }
  });

  it('ask a datasource that is chosen, by variables that exist', () => {
    for (const { templating } of made)
      assert.deepEqual(
        templating.list.map(({ name, type }) => [name, type]),
        [
          ['datasource', 'datasource'],
          ['instance', 'query'],
        ],
      );
    for (const { title, datasource, targets = [] } of graphs) {
      assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, title);
      for (const { expr } of targets) {
        const variables = [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);
        assert.deepEqual(
          variables.filter((name) => name !== '__rate_interval' && name !== 'instance'),
          [],
        );
      }
    }
  });

  it('say what each panel shows, and place it where nothing else is', () => {
    for (const { dashboard, title, description, targets = [] } of graphs) {
      assert.ok((description ?? '').length > 5, `${dashboard.title}: ${title}`);
      assert.ok(targets.length > 0);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    }
    for (const { title, panels: own } of made) {
      const taken = new Set<string>();
      for (const { gridPos } of own)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            assert.ok(x < 24 && !taken.has(`${x} ${y}`), `${title} at ${x} ${y}`);
            taken.add(`${x} ${y}`);
          }
    }
  });

  it('ask what Prometheus understands', async () => {
    const rules = graphs.flatMap(({ targets = [] }, panel) =>
      targets.map(({ expr }, at) => ({ record: `panel:${panel}:${at}`, expr: filled(expr) })),
    );
    const directory = await mkdtemp(join(tmpdir(), 'parley-panels-'));
    const check = async (wanted: typeof rules): Promise<string> => {
      const file = join(directory, 'panels.yml');
      // JSON is YAML.
      await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules: wanted }] }));
      return (await run('promtool', ['check', 'rules', file])).stdout;
    };
    try {
      assert.match(await check(rules), new RegExp(`SUCCESS: ${rules.length} rules found`));
      await assert.rejects(check([...rules, { record: 'panel:wrong', expr: 'rate(up)' }]));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('ask for what nodes export', async () => {
    const known = await serverMetrics();
    const asked = graphs.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => metricsOf(expr)));
    assert.deepEqual(
      asked.filter((name) => !known.has(name)),
      [],
    );
  });
});
