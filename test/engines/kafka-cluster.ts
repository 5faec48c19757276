import { freePort } from './free-port.ts';
import { KafkaBroker, newClusterId } from './kafka-broker.ts';

const size = 3;
const ids = Array.from({ length: size }, (_, i) => i + 1);

/** Three brokers that are their own controllers, on this machine only; everything is on all of them. */
export class KafkaCluster implements AsyncDisposable {
  /** By id. */
  readonly brokers: ReadonlyMap<number, KafkaBroker>;

  private constructor(brokers: ReadonlyMap<number, KafkaBroker>) {
    this.brokers = brokers;
  }

  /** Resolves once all serve. */
  static async start(): Promise<KafkaCluster> {
    const clusterId = newClusterId();
    const controllers = await Promise.all(ids.map(async (id) => [id, await freePort()] as const));
    const voters = controllers.map(([id, port]) => `${id}@127.0.0.1:${port}`).join();
    const started = await Promise.allSettled(
      controllers.map(async ([id, controllerPort]) => {
        const settings = [
          `node.id=${id}`,
          `controller.quorum.voters=${voters}`,
          `offsets.topic.replication.factor=${size}`,
        ];
        return [id, await KafkaBroker.start({ controllerPort, clusterId, settings })] as const;
      }),
    );
    const brokers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const cluster = new KafkaCluster(new Map(brokers));
    const failure = started.find((one) => one.status === 'rejected');
    if (failure === undefined) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw failure.reason;
  }

  /** `host:port` of each. */
  get addresses(): readonly string[] {
    return [...this.brokers.values()].map(({ port }) => `127.0.0.1:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.brokers.values()].map((broker) => broker[Symbol.asyncDispose]()));
  }
}
