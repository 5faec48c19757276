import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { deployTool } from '../../scripts/deploy-tools.ts';
import { root } from '../../scripts/paths.ts';
import { optionTables } from '../../services/options.ts';
import { type Container, type Manifest, manifests, selects, type Template } from './support/documents.ts';

const run = promisify(execFile);
const chart = join(root, 'deploy', 'helm', 'parley');
const valueSets = ['least', 'all', 'try'];
/** The oldest that the chart says it takes, and the newest that the validator knows. */
const kubernetes = ['1.27', '1.30'];

async function helm(...args: string[]): Promise<string> {
  // Without a cluster helm takes a version for granted that is older than the chart wants.
  const all = [...args, '--kube-version', `${kubernetes.at(-1)}.0`];
  return (await run(deployTool('helm'), all, { maxBuffer: 16 * 1024 * 1024 })).stdout;
}

function rendered(values: string, ...args: string[]): Promise<string> {
  const file = join(chart, 'ci', `${values}.yaml`);
  return helm('template', 'chat', chart, '--namespace', 'chat', '--values', file, ...args);
}

describe('the chart', () => {
  for (const values of valueSets) {
    test(`with the values "${values}": helm has no complaint, Kubernetes knows every field, all fit together`, async () => {
      await helm('lint', '--strict', chart, '--values', join(chart, 'ci', `${values}.yaml`));
      const text = await rendered(values);
      await validated(text);
      const objects = manifests(text);
      checkWorkloads(objects);
      checkReferences(objects);
    });
  }

  test('a field that Kubernetes does not know is found', async () => {
    const text = await rendered('least');
    const misspelt = text.replace('revisionHistoryLimit:', 'revisionsHistoryLimit:');
    assert.notEqual(misspelt, text);
    await assert.rejects(validated(misspelt), /revisionsHistoryLimit/);
  });

  test('everything turned on is there: scaling by connections and by lag, TLS between nodes, policies, monitors', async () => {
    const objects = manifests(await rendered('all'));
    const scaling = of(objects, 'HorizontalPodAutoscaler');
    const by = Object.fromEntries(
      scaling.map(({ metadata, spec }) => [
        metadata.name,
        spec?.metrics?.map(({ pods }) => pods?.metric.name ?? 'cpu'),
      ]),
    );
    assert.deepEqual(by, {
      'chat-edge': ['chat_connections_active', 'cpu'],
      'chat-message': ['cpu'],
      'chat-group': ['cpu'],
      'chat-push': ['chat_event_log_lag'],
    });
    for (const { metadata, spec } of workloads(objects)) {
      // What scales is not scaled back by the next upgrade of the release.
      assert.equal(spec?.replicas, undefined, metadata.name);
      const env = container(spec?.template).env;
      for (const name of ['CERT', 'KEY', 'CA'])
        assert.ok(env.some((each) => each.name === `PARLEY_LINK_TLS_${name}`));
    }
    assert.equal(of(objects, 'ServiceMonitor').length, 1);
    assert.equal(of(objects, 'Ingress').length, 2);
    const image = container(workloads(objects)[0]?.spec?.template).image;
    assert.match(image, /^registry\.example\.org\/chat\/parley@sha256:[0-9a-f]{64}$/);
  });

  test('nobody but nodes and named services reaches what is private', async () => {
    for (const values of ['least', 'all']) {
      const policies = of(manifests(await rendered(values)), 'NetworkPolicy');
      const rules = policies.flatMap(({ spec }) => spec?.ingress ?? []);
      for (const port of ['node', 'link', 'metrics']) {
        const open = rules.filter(({ ports }) => ports.some((each) => each.port === port));
        // Where no services are named nobody comes to the node port.
        assert.equal(open.length > 0, port !== 'node' || values === 'all', `${values}: ${port}`);
        for (const { from } of open) assert.ok((from ?? []).length > 0, `${port} is open to everybody`);
      }
    }
  });

  test('every node is asked by the others for what administrators want to know', async () => {
    const objects = manifests(await rendered('all'));
    const policies = of(objects, 'NetworkPolicy');
    for (const { metadata, spec } of workloads(objects)) {
      const labels = spec?.template?.metadata.labels;
      const own = policies.filter((policy) => selects(policy.spec?.podSelector?.matchLabels, labels));
      const rules = own.flatMap((policy) => policy.spec?.ingress ?? []);
      assert.ok(
        rules.some(({ ports }) => ports.some(({ port }) => port === 'link')),
        `${metadata.name} lets nobody in`,
      );
      const { env } = container(spec?.template);
      const address = env.find(({ name }) => name === 'PARLEY_LINK_ADDRESS')?.value ?? '';
      assert.equal(portOf(spec?.template, 'link'), Number(address.split(':').at(-1)), metadata.name);
    }
  });

  test('probes and the monitor speak TLS where the metrics port does', async () => {
    for (const [values, scheme] of [
      ['least', 'HTTP'],
      ['all', 'HTTPS'],
    ] as const) {
      const objects = manifests(await rendered(values));
      for (const { metadata, spec } of workloads(objects)) {
        const { startupProbe, livenessProbe, readinessProbe } = container(spec?.template);
        for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe])
          assert.equal(httpGet.scheme, scheme, metadata.name);
      }
      const [monitor] = of(objects, 'ServiceMonitor');
      if (values === 'all') assert.equal(monitor?.spec?.endpoints?.[0]?.scheme, 'https');
    }
  });

  test('the monitor has nodes called what rules and dashboards call them', async () => {
    const objects = manifests(await rendered('all'));
    const [monitor] = of(objects, 'ServiceMonitor');
    const watched = of(objects, 'Service').filter(({ metadata }) =>
      selects(monitor?.spec?.selector?.matchLabels, metadata.labels),
    );
    assert.equal(watched.length, 1);
    assert.equal(watched[0]?.metadata.labels?.[monitor?.spec?.jobLabel ?? ''], 'parley');
  });

  test('secrets are files, never values of the environment', async () => {
    const secret = new Set(
      Object.values(optionTables)
        .flatMap((table) => Object.values(table))
        .filter((option) => 'secret' in option && option.secret === true)
        .map(({ env }) => env),
    );
    for (const values of valueSets) {
      for (const { spec } of workloads(manifests(await rendered(values)))) {
        const { env, volumeMounts } = container(spec?.template);
        for (const { name, value = '' } of env) {
          assert.ok(!secret.has(name), `${name} is in the environment`);
          if (name.endsWith('_FILE'))
            assert.ok(
              volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`)),
              value,
            );
        }
      }
    }
  });

  test('a variable that is set is one that Parley knows', async () => {
    const known = new Set(
      Object.values(optionTables).flatMap((table) => Object.values(table).map(({ env }) => env)),
    );
    for (const { spec } of workloads(manifests(await rendered('all'))))
      for (const { name } of container(spec?.template).env)
        if (name.startsWith('PARLEY_')) assert.ok(known.has(name.replace(/_FILE$/, '')), name);
  });

  test('behind an ingress edges take the addresses of clients from it, by each door that it has', async () => {
    const proxies = async (...args: string[]) => {
      const objects = manifests(await rendered('least', ...args));
      const edge = workloads(objects).find(({ metadata }) => metadata.name === 'chat-edge');
      const { env } = container(edge?.spec?.template);
      return ['PARLEY_TRUSTED_PROXIES', 'PARLEY_GRPC_TRUSTED_PROXIES'].map(
        (variable) => env.find(({ name }) => name === variable)?.value,
      );
    };
    const ingress = ['--set', 'ingress.enabled=true'];
    const both = [...ingress, '--set', 'ingress.grpcHost=grpc.example.org'];
    assert.deepEqual(await proxies(), [undefined, undefined]);
    assert.deepEqual(await proxies(...ingress), ['1', undefined]);
    assert.deepEqual(await proxies(...both), ['1', '1']);
    const more = ['--set', 'edge.config.PARLEY_TRUSTED_PROXIES=2,config.PARLEY_GRPC_TRUSTED_PROXIES=0'];
    assert.deepEqual(await proxies(...both, ...more), ['2', '0']);
  });

  test('pushes need no webhooks', async () => {
    const args = ['--set', 'push.enabled=true', '--set-string', 'config.PARLEY_PUSH=true'];
    const objects = manifests(await rendered('least', ...args));
    const push = workloads(objects).find(({ metadata }) => metadata.name === 'chat-push');
    const { env } = container(push?.spec?.template);
    assert.ok(env.some(({ name, value }) => name === 'PARLEY_PUSH' && value === 'true'));
    assert.ok(env.every(({ name }) => name !== 'PARLEY_WEBHOOKS'));
    checkReferences(objects);
  });

  test('refuses what can not work, in words', async () => {
    const refusals: readonly (readonly [args: readonly string[], words: RegExp])[] = [
      [[], /secrets\.existing must name a Secret/],
      [['--set', 'secrets.existing=s,replicas=3'], /additional properties 'replicas' not allowed/i],
      [['--set', 'secrets.existing=s,config.PARLY_HOST=x'], /PARLY_HOST/],
      [['--set', 'secrets.existing=s,push.enabled=true'], /push has nobody to tell/],
      [
        [
          '--set',
          'secrets.existing=s,edge.autoscaling.enabled=true,edge.autoscaling.cpu=0,edge.autoscaling.connections=0',
        ],
        /nothing to go by/,
      ],
      [['--set', 'secrets.existing=s,config.PARLEY_METRICS_TLS_CLIENT_CA=/ca.crt'], /show no certificate/],
      [
        ['--set', 'secrets.existing=s,ingress.enabled=true,service.type=LoadBalancer'],
        /past it by a service of type LoadBalancer: set edge\.config\.PARLEY_TRUSTED_PROXIES/,
      ],
      [['--set', 'secrets.create.token-secret=x'], /secrets\.create\.[a-z-]+ is not given/],
      [['--set', 'secrets.existing=s', '--set-string', 'drainMs=soon'], /drainMs/],
    ];
    for (const [args, words] of refusals) {
      await assert.rejects(helm('template', 'chat', chart, ...args), words, args.join(' '));
    }
  });
});

/** Every document against the schemas of Kubernetes itself, besides those of operators. */
async function validated(text: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'parley-chart-'));
  try {
    const own = text.split(/^---$/m).filter((part) => !part.includes('monitoring.coreos.com'));
    const file = join(directory, 'objects.yaml');
    await writeFile(file, own.join('---\n'));
    for (const version of kubernetes)
      await run(deployTool('kubectl-validate'), ['--version', version, file]).catch(
        (error: { stdout: string; stderr: string }) =>
          assert.fail(`Kubernetes ${version}: ${error.stdout}${error.stderr}`),
      );
  } finally {
    await rm(directory, { recursive: true });
  }
}

function of(objects: readonly Manifest[], ...kinds: readonly string[]): Manifest[] {
  return objects.filter(({ kind }) => kinds.includes(kind));
}

function workloads(objects: readonly Manifest[]): Manifest[] {
  const found = of(objects, 'Deployment', 'StatefulSet');
  assert.ok(found.length >= 3);
  return found;
}

function container(template: Template | undefined): Container {
  const [first] = template?.spec.containers ?? [];
  assert.ok(first !== undefined);
  return first;
}

function portOf(template: Template | undefined, named: string): number | undefined {
  return container(template).ports.find(({ name }) => name === named)?.containerPort;
}

/** Of every pod: probes, no rights, no writing, and time enough to drain. */
function checkWorkloads(objects: readonly Manifest[]): void {
  for (const { metadata, spec } of workloads(objects)) {
    const { template } = spec ?? {};
    const pod = template?.spec;
    const { env, lifecycle, ...one } = container(template);
    assert.equal(pod?.automountServiceAccountToken, false, metadata.name);
    assert.equal(pod.securityContext.runAsNonRoot, true, metadata.name);
    assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault', metadata.name);
    assert.deepEqual(one.securityContext.capabilities.drop, ['ALL'], metadata.name);
    assert.equal(one.securityContext.readOnlyRootFilesystem, true, metadata.name);
    assert.equal(one.securityContext.allowPrivilegeEscalation, false, metadata.name);
    assert.equal(one.startupProbe.httpGet.path, '/livez', metadata.name);
    assert.equal(one.livenessProbe.httpGet.path, '/livez', metadata.name);
    assert.equal(one.readinessProbe.httpGet.path, '/readyz', metadata.name);
    assert.ok(one.resources.limits?.['memory'] !== undefined, metadata.name);
    const drainMs = Number(env.find(({ name }) => name === 'PARLEY_DRAIN_MS')?.value);
    const sleepSeconds = Number(lifecycle.preStop.exec.command[1]);
    const spare = pod.terminationGracePeriodSeconds - drainMs / 1000 - sleepSeconds;
    assert.ok(spare >= 20, `${metadata.name} has ${spare} s for what is in the database's hands`);
    assert.equal(pod.topologySpreadConstraints.length, 2, metadata.name);
    for (const { name } of one.volumeMounts)
      assert.ok(
        pod.volumes.some((volume) => volume.name === name),
        name,
      );
  }
}

/** Whatever names or selects something finds it. */
function checkReferences(objects: readonly Manifest[]): void {
  const pods = workloads(objects).map(({ spec }) => spec?.template as Template);
  for (const { metadata, spec } of workloads(objects)) {
    const selector = spec?.selector?.matchLabels;
    assert.ok(selects(selector, spec?.template?.metadata.labels), metadata.name);
    // A pod belongs to one workload, one budget and one policy.
    assert.equal(pods.filter((pod) => selects(selector, pod.metadata.labels)).length, 1, metadata.name);
    const budgets = of(objects, 'PodDisruptionBudget').filter((budget) =>
      selects(budget.spec?.selector?.matchLabels, spec?.template?.metadata.labels),
    );
    assert.equal(budgets.length, 1, `${metadata.name} has a budget`);
    if (spec?.serviceName !== undefined)
      assert.ok(of(objects, 'Service').some((service) => service.metadata.name === spec.serviceName));
  }
  for (const { metadata, spec } of of(objects, 'HorizontalPodAutoscaler'))
    assert.ok(
      workloads(objects).some(
        ({ kind, metadata: { name } }) =>
          kind === spec?.scaleTargetRef?.kind && name === spec.scaleTargetRef.name,
      ),
      metadata.name,
    );
  for (const { metadata, spec } of of(objects, 'Service')) {
    const behind = pods.filter((pod) => selects(spec?.selector, pod.metadata.labels));
    assert.ok(behind.length > 0, `${metadata.name} has pods`);
    for (const { port, targetPort } of spec?.ports ?? [])
      for (const pod of behind) assert.equal(portOf(pod, targetPort), port, metadata.name);
  }
  for (const { metadata, spec } of of(objects, 'NetworkPolicy')) {
    const behind = pods.filter((pod) => selects(spec?.podSelector?.matchLabels, pod.metadata.labels));
    assert.equal(behind.length, 1, metadata.name);
    for (const { port } of spec?.ingress?.flatMap(({ ports }) => ports) ?? [])
      assert.ok(portOf(behind[0], port) !== undefined, `${metadata.name} is about a port ${port}`);
  }
}
