import { gatewayBlock } from '../../../scripts/engine-kinds.ts';
import type { Receiver } from '../../../services/push/testing/receiver.ts';
import { FaultCluster } from '../../faults/fault-cluster.ts';
import { Alertmanager } from '../../engines/alertmanager.ts';
import { Exporter } from '../../engines/exporter.ts';
import { freePort } from '../../engines/free-port.ts';
import { KafkaBroker } from '../../engines/kafka-broker.ts';
import { Nginx } from '../../engines/nginx.ts';
import { Prometheus, type Target } from '../../engines/prometheus.ts';
import { until } from '../../e2e/support/until.ts';
import { Authority } from '../../helpers/certificates.ts';
import { quickRetries } from '../../push/support.ts';
import { Notices } from './notices.ts';
import { MoodyWebhooks } from './moody-webhooks.ts';

/** Started by the test, when it wants them. */
const later = {
  /** Another message node, group node and edge on the same database, which do not see the others. */
  mx: 'message',
  gx: 'group',
  ex: 'bridge,connection',
  /** An edge that can't reach Redis, and has a certificate. */
  e9: 'bridge,connection',
};
const usual = ['m1', 'm2', 'g1', 'g2', 'e1', 'c2', 'b2', 'p1'];
/** Nodes, four exporters, Kafka, two doors that are asked from outside, Prometheus and Alertmanager. */
const targets = usual.length + 9;
/** How often Prometheus asks, here. */
const everySeconds = 1;

interface Parts {
  readonly cluster: FaultCluster;
  readonly kafka: KafkaBroker;
  readonly nginx: Nginx;
  readonly nginxGrpcPort: number;
  readonly prometheus: Prometheus;
  readonly notices: Notices;
  readonly webhooks: Receiver;
  readonly stack: AsyncDisposableStack;
}

/** A cluster with everything around it that deploy/prometheus and deploy/alertmanager know of, each a real program. */
export class MonitoredCluster implements AsyncDisposable {
  readonly cluster: FaultCluster;
  readonly kafka: KafkaBroker;
  /** HTTP and WebSocket of both edges. */
  readonly nginx: Nginx;
  /** gRPC of both edges, through the same nginx. */
  readonly nginxGrpcPort: number;
  readonly prometheus: Prometheus;
  readonly notices: Notices;
  /** Takes webhooks of messages, and refuses those of new groups. */
  readonly webhooks: Receiver;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Parts) {
    this.cluster = parts.cluster;
    this.kafka = parts.kafka;
    this.nginx = parts.nginx;
    this.nginxGrpcPort = parts.nginxGrpcPort;
    this.prometheus = parts.prometheus;
    this.notices = parts.notices;
    this.webhooks = parts.webhooks;
    this.#stack = parts.stack;
  }

  static async start(): Promise<MonitoredCluster> {
    await using stack = new AsyncDisposableStack();
    const kafkaMetrics = await freePort();
    const kafka = stack.use(await KafkaBroker.start({ metricsPort: kafkaMetrics }));
    const webhooks = stack.use(await MoodyWebhooks.open());
    const authority = stack.use(await Authority.make());
    await authority.sign('e9', { names: 'IP:127.0.0.1' });
    const tls = authority.files('e9');
    const metrics = new Map<string, number>();
    for (const name of [...usual, ...Object.keys(later)]) metrics.set(name, await freePort());
    const cluster = stack.use(
      await FaultCluster.start({
        env: { ...limits, PARLEY_KAFKA_BROKERS: kafka.address, PARLEY_WEBHOOKS: webhooks.path },
        envOf: (name) => ({ PARLEY_METRICS_PORT: `${metrics.get(name)}`, ...apart(name, tls) }),
        more: { p1: 'push', ...later },
        later: Object.keys(later),
      }),
    );
    const nginxGrpcPort = await freePort();
    const nginx = stack.use(await gateway(cluster, nginxGrpcPort));
    const notices = stack.use(await Notices.open());
    const manager = stack.use(await Alertmanager.start({ receiver: notices.url }));
    const exporters = {
      node: stack.use(await Exporter.node()),
      mysql: stack.use(await Exporter.mysql(cluster.database.port)),
      redis: stack.use(await Exporter.redis(cluster.redis.url)),
      nginx: stack.use(await Exporter.nginx(`http://127.0.0.1:${nginx.port}/stub_status`)),
    };
    const blackbox = stack.use(await Exporter.blackbox());
    const asks = (module: string, target: string): Target => ({
      targets: [blackbox.address],
      labels: { __param_target: target, __param_module: module },
    });
    const prometheus = stack.use(
      await Prometheus.start({
        everySeconds,
        targets: {
          parley: [...metrics]
            .filter(([name]) => usual.includes(name))
            .map(([instance, port]) => ({ targets: [`127.0.0.1:${port}`], labels: { instance } })),
          kafka: [{ targets: [`127.0.0.1:${kafkaMetrics}`], labels: { instance: 'kafka' } }],
          ...Object.fromEntries(
            Object.entries(exporters).map(([name, { address }]) => [
              name,
              [{ targets: [address], labels: { instance: name } }],
            ]),
          ),
          probe: [
            asks('http', `http://127.0.0.1:${nginx.port}/api/v1/openapi.json`),
            asks('grpc', `127.0.0.1:${nginxGrpcPort}`),
          ],
          alertmanager: [{ targets: [manager.address] }],
        },
      }),
    );
    const all = { cluster, kafka, nginx, nginxGrpcPort, prometheus, notices, webhooks: webhooks.receiver };
    return new MonitoredCluster({ ...all, stack: stack.move() });
  }

  /**
   * Starts one of those that come later; resolves once it is scraped. Prometheus takes up to five seconds to hear of it,
   * and what was counted before its first scrape is in no rate.
   */
  async start(name: keyof typeof later): Promise<void> {
    await this.cluster.get(name).start();
    const { metrics } = this.cluster.get(name).ports;
    await this.prometheus.target('parley', { targets: [`127.0.0.1:${metrics}`], labels: { instance: name } });
    await until(
      async () => (await this.prometheus.query(`up{instance="${name}"} == 1`)).length > 0,
      () => `${name} is not scraped`,
    );
  }

  /** Resolves, with the time in seconds, once every node that is scraped has been scraped after this call. */
  async scraped(): Promise<number> {
    const from = Date.now() / 1_000;
    let least: number[] = [];
    await until(
      async () => {
        // What is there to be asked may not be known yet.
        const asked = await this.prometheus.query('count(up) or vector(0)');
        const oldest = await this.prometheus.query('min(timestamp(up{job=~"parley|kafka"}))');
        least = [asked[0]?.value ?? 0, oldest[0]?.value ?? 0];
        return least[0]! >= targets && least[1]! > from;
      },
      () => `${least[0]} are asked; the oldest figures are of ${least[1]}, and it is ${Date.now() / 1_000}`,
    );
    return Date.now() / 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Small ones, so that they are met soon. */
const limits = {
  ...quickRetries,
  PARLEY_WEBHOOK_ATTEMPTS: '2',
  PARLEY_SESSION_WINDOW_BYTES: '65536',
  PARLEY_REDELIVER_AFTER_MS: '3000',
  PARLEY_SLOW_CONSUMER_MS: '3000',
  PARLEY_WS_HIGH_WATER_BYTES: '65536',
  PARLEY_WS_INBOUND_BYTES: '65536',
  PARLEY_LINK_QUEUE_BYTES: '1048576',
};

function apart(name: string, tls: { readonly cert: string; readonly key: string }): Record<string, string> {
  if (name === 'e9')
    return {
      PARLEY_REDIS_URL: 'redis://127.0.0.1:1',
      PARLEY_GRPC_TLS_CERT: tls.cert,
      PARLEY_GRPC_TLS_KEY: tls.key,
    };
  return name.endsWith('x') ? { PARLEY_REDIS_PREFIX: 'apart:' } : {};
}

function gateway({ cluster }: FaultCluster, grpcPort: number): Promise<Nginx> {
  const address = (name: string, door: 'http' | 'grpc') => `127.0.0.1:${cluster.get(name).ports[door]}`;
  const parts = {
    upstreams: [address('e1', 'http'), address('b2', 'http')],
    grpc: [address('e1', 'grpc'), address('c2', 'grpc')],
    development: true,
  };
  const status = 'location = /stub_status { stub_status; }';
  return Nginx.start({
    configure: (port) =>
      gatewayBlock(parts, port, grpcPort).replace(/location \/ \{/, `${status}\n  location / {`),
  });
}
