import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allMetrics, currentMetricsPage, metricsPage, strayLabels } from './metrics-page.ts';

test('docs/metrics.md is current (npx node scripts/metrics-page.ts --write)', async () => {
  assert.equal(await currentMetricsPage(), metricsPage(await allMetrics()));
});

test('every metric is named and told of as Prometheus has it', async () => {
  for (const { name, t, doc, labels } of await allMetrics()) {
    assert.match(name, /^(chat|process|nodejs)_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), t === 'counter', name);
    assert.match(doc, /^[A-Z0-9].*\.$/s, name);
    for (const label of labels) assert.doesNotMatch(label, /id$|user|conv|session|address/, name);
  }
});

test('no value has a label that its metric does not name', async () => {
  assert.deepEqual(await strayLabels(), []);
});
