import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { root } from '../../scripts/paths.ts';
import { until } from '../e2e/support/until.ts';
import { Alertmanager } from '../engines/alertmanager.ts';
import { Prometheus } from '../engines/prometheus.ts';
import { prometheusDirectory, yamlOf } from './support/rule-files.ts';

const run = promisify(execFile);
const serversPath = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
/** Debian builds Prometheus without Kubernetes: pods come from a file here, as Kubernetes would tell of them. */
const pods = (text: string): string =>
  text
    .replaceAll('kubernetes_sd_configs: [{ role: pod }]', 'file_sd_configs: [{ files: [targets/pods.yml] }]')
    .replaceAll('rules/*.yml', join(prometheusDirectory, 'rules', '*.yml'));

/** An alert as Alertmanager tells of it. */
interface SeenAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly inhibitedBy: readonly unknown[] };
}

describe('deploy/prometheus and deploy/alertmanager', () => {
  it('are taken by promtool, amtool and the blackbox exporter', async () => {
    const check = async (program: string, ...args: string[]): Promise<string> => {
      const { stdout, stderr } = await run(program, args, { env: serversPath });
      return stdout + stderr;
    };
    const file = join(prometheusDirectory, 'prometheus.yml');
    assert.match(await check('promtool', 'check', 'config', file), /is valid prometheus config/);
    const manager = join(root, 'deploy', 'alertmanager', 'alertmanager.yml');
    assert.match(await check('amtool', 'check-config', manager), /SUCCESS/);
    const blackbox = `--config.file=${join(prometheusDirectory, 'blackbox.yml')}`;
    assert.match(
      await check('prometheus-blackbox-exporter', '--config.check', blackbox),
      /Config file is ok/i,
    );
  });

  it('tell whoever is to hear of an alert', async () => {
    const manager = join(root, 'deploy', 'alertmanager', 'alertmanager.yml');
    for (const [labels, receiver] of [
      [['alertname=ParleyStoreUnavailable', 'severity=critical'], 'page'],
      [['alertname=ParleyNodeDown', 'severity=warning'], 'ticket'],
      [['alertname=ParleyWatchdog', 'severity=none'], 'heartbeat'],
    ] as const) {
      const asked = ['config', 'routes', 'test', `--config.file=${manager}`, ...labels];
      assert.equal((await run('amtool', asked)).stdout.trim(), receiver, labels.join());
    }
  });

  it('keep quiet of what another alert explains, and of nothing that one engine of several does not', async () => {
    await using alertmanager = await Alertmanager.start({ receiver: 'http://127.0.0.1:1' });
    const api = `http://${alertmanager.address}/api/v2/alerts`;
    const firing = [
      ['ParleyDatabaseDown', 'database-3'],
      ['ParleyRedisDown', 'redis-2'],
      ['ParleyStoreUnavailable', 'm1'],
      ['ParleyWorkerLease', 'm1'],
      ['ParleyWorkerLease', 'm2'],
      ['ParleyStoreOverloaded', 'm2'],
      ['ParleyDirectoryUnavailable', 'm1'],
      ['ParleyRevocationsUnchecked', 'e1'],
      ['ParleyNodeDown', 'e2'],
      ['ParleyEventLoopLags', 'e2'],
      ['ParleyKafkaOffline'],
      ['ParleyOutboxLags', 'm2'],
    ].map(([alertname, instance]) => ({ labels: { cluster: 'parley', alertname, instance } }));
    const told = await fetch(api, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(firing),
    });
    assert.equal(told.status, 200, await told.text());
    const quiet = ['ParleyEventLoopLags e2', 'ParleyOutboxLags m2', 'ParleyWorkerLease m1'];
    let seen: string[] = [];
    await until(
      async () => {
        const alerts = (await (await fetch(api)).json()) as SeenAlert[];
        seen = alerts
          .filter(({ status }) => status.inhibitedBy.length > 0)
          .map(({ labels }) => `${labels['alertname']} ${labels['instance']}`)
          .toSorted();
        return alerts.length === firing.length && quiet.every((one) => seen.includes(one));
      },
      () => `${seen.join()}; ${alertmanager.output}`,
    );
    assert.deepEqual(seen, quiet);
  });

  it('are refused by them where something is wrong', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'parley-wrong-'));
    try {
      await cp(prometheusDirectory, directory, { recursive: true });
      const file = join(directory, 'rules', 'alerts.yml');
      await writeFile(file, (await readFile(file, 'utf8')).replace('vector(1)', 'vector(1'));
      await assert.rejects(
        run('promtool', ['check', 'config', join(directory, 'prometheus.yml')]),
        /unclosed/,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('scrape pods that say so, by the names that they give', async () => {
    const pod = (name: string, labels: Record<string, string>) => ({
      // As Kubernetes has it: one for each port of a pod.
      targets: ['10.0.0.1:9501'],
      labels: {
        __meta_kubernetes_pod_name: name,
        __meta_kubernetes_pod_ip: '127.0.0.1',
        __meta_kubernetes_pod_phase: 'Running',
        __meta_kubernetes_namespace: 'chat',
        ...labels,
      },
    });
    const scraped = {
      __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
      __meta_kubernetes_pod_annotation_prometheus_io_port: '9464',
      __meta_kubernetes_pod_label_app_kubernetes_io_name: 'parley',
    };
    await using prometheus = await Prometheus.start({
      configuration: 'kubernetes.yml',
      edit: pods,
      targets: {
        pods: [
          pod('parley-message-0', scraped),
          pod('parley-message-done', { ...scraped, __meta_kubernetes_pod_phase: 'Succeeded' }),
          pod('other', { __meta_kubernetes_pod_label_app_kubernetes_io_name: 'other' }),
          pod('exporter', { ...scraped, __meta_kubernetes_pod_annotation_prometheus_io_job: 'mysql' }),
        ],
      },
    });
    await until(
      async () => (await prometheus.asks()).length > 0,
      () => prometheus.output,
    );
    const seen = await prometheus.asks();
    assert.deepEqual(
      seen.map(({ job, instance, namespace, pod: name }) => [job, instance, namespace, name]).toSorted(),
      [
        ['mysql', 'exporter', 'chat', 'exporter'],
        ['parley', 'parley-message-0', 'chat', 'parley-message-0'],
      ],
    );
  });
});

describe('deploy/grafana', () => {
  it('is provisioned with the datasources and dashboards that are there', () => {
    const { apiVersion, datasources } = yamlOf(
      'deploy',
      'grafana',
      'provisioning',
      'datasources',
      'parley.yml',
    ) as { apiVersion: number; datasources: { type: string; uid: string; isDefault?: boolean }[] };
    assert.equal(apiVersion, 1);
    assert.deepEqual(
      datasources.filter(({ isDefault }) => isDefault === true).map(({ type }) => type),
      ['prometheus'],
      'dashboards take the default one',
    );
    assert.equal(new Set(datasources.map(({ uid }) => uid)).size, datasources.length);
    const { providers } = yamlOf('deploy', 'grafana', 'provisioning', 'dashboards', 'parley.yml') as {
      providers: { type: string; options: { path: string } }[];
    };
    assert.deepEqual(
      providers.map(({ type, options }) => [type, options.path]),
      [['file', '${PARLEY_DASHBOARDS}']],
    );
  });
});
