import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { latencyBuckets } from '../../services/core/meters.ts';
import { root } from '../../scripts/paths.ts';
import { metricsOf, serverMetrics } from './support/metric-names.ts';
import { prometheusDirectory, ruleTests, rulesOf } from './support/rule-files.ts';

const run = promisify(execFile);
const alerts = rulesOf('alerts.yml');
/** It fires whatever happens: that is all it is for. */
const always = 'ParleyWatchdog';

describe('alerts', () => {
  it('fire and do not fire when they should, as promtool sees them', { timeout: 120_000 }, async () => {
    const files = ['alerts.yml', 'hours.yml'].map((file) => join(prometheusDirectory, 'tests', file));
    const { stdout } = await run('promtool', ['test', 'rules', ...files]);
    assert.equal(stdout.match(/SUCCESS/g)?.length, files.length, stdout);
  });

  it('are each seen to do both', () => {
    const tests = new Map(ruleTests().map((one) => [one.name, one.promql_expr_test]));
    for (const { alert } of alerts) {
      const own =
        tests.get(alert as string)?.filter(({ expr }) => expr.includes(`alertname="${alert}"`)) ?? [];
      assert.ok(
        own.some(({ exp_samples: seen = [] }) => seen.length > 0),
        `${alert} never fires`,
      );
      if (alert === always) continue;
      assert.ok(
        own.some(({ exp_samples: seen = [] }) => seen.length === 0),
        `${alert} always fires`,
      );
    }
    assert.deepEqual([...tests.keys()].toSorted(), alerts.map(({ alert }) => alert).toSorted());
  });

  it('say what they are about, how bad it is, and where to read on', async () => {
    const page = await readFile(join(root, 'docs', 'operations.md'), 'utf8');
    const anchors = new Set([...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) => anchorOf(title as string)));
    const entries = [...page.matchAll(/^### (Parley\w+)$/gm)].map(([, title]) => title);
    for (const { alert, labels, annotations } of alerts) {
      assert.match(labels?.['severity'] ?? '', /^(critical|warning|none)$/, alert);
      assert.ok(
        (annotations?.['summary'] ?? '') !== '' && (annotations?.['description'] ?? '') !== '',
        alert,
      );
      const [, anchor] = /^\{\{ \$externalLabels\.docs \}\}\/operations\.md#(.+)$/.exec(
        annotations?.['runbook_url'] ?? '',
      ) as string[];
      assert.ok(anchors.has(anchor as string), `${alert}: there is no #${anchor}`);
      assert.equal(anchor, alert?.toLowerCase());
    }
    assert.deepEqual(entries.toSorted(), alerts.map(({ alert }) => alert).toSorted());
    const linked = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor as string);
    assert.deepEqual(
      linked.filter((anchor) => !anchors.has(anchor)),
      [],
    );
  });

  it('ask for what nodes export, and for buckets that are there', async () => {
    const known = await serverMetrics();
    const rules = [...alerts, ...rulesOf('recording.yml')];
    const unknown = rules.flatMap(({ expr }) => metricsOf(expr)).filter((name) => !known.has(name));
    assert.deepEqual(unknown, []);
    const bounds = new Set(latencyBuckets.map(String));
    const asked = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/\ble="([^"]+)"/g)].map(([, le]) => le as string),
    );
    assert.ok(asked.length > 0);
    assert.deepEqual(
      asked.filter((le) => !bounds.has(le)),
      [],
    );
  });
});

/** As GitHub and others make them of headings. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
