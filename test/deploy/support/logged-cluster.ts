import { LogFiles } from '../../cluster/support/log-files.ts';
import { KafkaBroker } from '../../engines/kafka-broker.ts';
import { Rsyslog } from '../../engines/rsyslog.ts';
import { FaultCluster } from '../../faults/fault-cluster.ts';
import { quickRetries } from '../../push/support.ts';
import { LogIndex } from './log-index.ts';
import { MoodyWebhooks } from './moody-webhooks.ts';

/** Another message node, group node and edge on the same database, which do not see the others; started by the test. */
const later = { mx: 'message', gx: 'group', ex: 'bridge,connection' };

/** Everything is traced and told, and little is slow. */
const talkative = {
  ...quickRetries,
  PARLEY_LOG_LEVEL: 'debug',
  PARLEY_TRACE_RATIO: '1',
  PARLEY_TRACE_CLIENTS: 'all',
  PARLEY_TRACE_SLOW_MS: '500',
  PARLEY_WEBHOOK_ATTEMPTS: '2',
  // Those of the load acknowledge long before.
  PARLEY_SESSION_WINDOW_BYTES: '131072',
  PARLEY_SLOW_CONSUMER_MS: '3000',
  PARLEY_WS_HIGH_WATER_BYTES: '65536',
  PARLEY_LINK_QUEUE_BYTES: '1048576',
};

interface Parts {
  readonly cluster: FaultCluster;
  readonly logs: LogFiles;
  readonly index: LogIndex;
  readonly shipper: Rsyslog;
  readonly stack: AsyncDisposableStack;
}

/** A cluster whose processes write their logs to files, and the real programs that bring those into a search engine. */
export class LoggedCluster implements AsyncDisposable {
  readonly cluster: FaultCluster;
  readonly logs: LogFiles;
  readonly index: LogIndex;
  readonly shipper: Rsyslog;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Parts) {
    this.cluster = parts.cluster;
    this.logs = parts.logs;
    this.index = parts.index;
    this.shipper = parts.shipper;
    this.#stack = parts.stack;
  }

  static async start(): Promise<LoggedCluster> {
    await using stack = new AsyncDisposableStack();
    const index = stack.use(await LogIndex.start());
    const logs = stack.use(await LogFiles.open());
    const shipper = stack.use(await Rsyslog.start({ logs: logs.directory, url: index.engine.url }));
    const kafka = stack.use(await KafkaBroker.start());
    const webhooks = stack.use(await MoodyWebhooks.open());
    const cluster = stack.use(
      await FaultCluster.start({
        env: { ...talkative, PARLEY_KAFKA_BROKERS: kafka.address, PARLEY_WEBHOOKS: webhooks.path },
        envOf: (name): Readonly<Record<string, string>> =>
          name.endsWith('x') ? { PARLEY_REDIS_PREFIX: 'apart:' } : {},
        prefixOf: (name) => logs.prefixOf(name),
        more: { p1: 'push', ...later },
        later: Object.keys(later),
      }),
    );
    return new LoggedCluster({ cluster, logs, index, shipper, stack: stack.move() });
  }

  /** Starts one of those that come later. */
  start(name: string): Promise<void> {
    return this.cluster.get(name).start();
  }

  /** All lines that were written so far. */
  async lines(): Promise<string[]> {
    const all = await Promise.all(
      this.cluster.processes.map(({ name }) => this.logs.linesOf(name).catch(() => [])),
    );
    return all.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
