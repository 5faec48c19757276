import { until } from '../../test/e2e/support/until.ts';
import { listens } from './commands.ts';
import { Database, startDatabases } from './databases.ts';
import { balancer, kafka, redis } from './engines.ts';
import { Gateway } from './gateways.ts';
import { searchEngine, shipper } from './logs.ts';
import { node } from './nodes.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';
import { watchers } from './watching.ts';

/** All programs of production, each started when those that it needs serve, and stopped before they are. */
export class Production implements AsyncDisposable {
  readonly databases: readonly Database[];
  readonly #place: Place;
  readonly #gateways: readonly Gateway[];
  /** Ranks of them: what is further down needs what is further up. */
  readonly #started: (readonly Program[])[] = [];
  #pending: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  private constructor(place: Place, gateways: readonly Gateway[]) {
    this.#place = place;
    this.#gateways = gateways;
    this.databases = (['database-1', 'database-2', 'database-3'] as const).map(
      (name) => new Database(place, name),
    );
  }

  static async make(place: Place): Promise<Production> {
    const gateways = await Promise.all(
      (['gateway-1', 'gateway-2'] as const).map((name) => Gateway.make(place, name)),
    );
    return new Production(place, gateways);
  }

  /** Resolves once everything serves; rejects with what did not. False where it was stopped meanwhile. */
  async start(): Promise<boolean> {
    const place = this.#place;
    for (const { program } of this.databases) this.#started.push([program]);
    const steps = [
      () =>
        Promise.all([
          startDatabases(this.databases, place),
          this.#begin(redis(place), kafka(place), searchEngine(place)),
        ]),
      () => this.#begin(balancer(place), shipper(place)),
      // The first message node makes the tables; the others find them.
      () => this.#begin(node(place, 'm1')),
      () => this.#begin(...(['m2', 'g1', 'g2', 'p1', 'p2'] as const).map((name) => node(place, name))),
      () => this.#begin(node(place, 'e1'), node(place, 'e2')),
      () => this.#begin(...this.#gateways.map(({ nginx }) => nginx)),
      () => this.#begin(...this.#gateways.flatMap(({ others }) => others)),
      () => Promise.all([this.#begin(...watchers(place)), this.#reached()]),
    ];
    for (const step of steps) {
      if (this.#stopped !== undefined) return false;
      this.#pending = step();
      try {
        await this.#pending;
      } catch (error) {
        // What is stopped in the middle of its start may complain.
        if (this.#stopped === undefined) throw error;
      }
    }
    return this.#stopped === undefined;
  }

  /** Ends them, those in front first, so that nobody is sent to one that is gone. What is being started is ended, too. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const gateway of this.#gateways) await gateway[Symbol.asyncDispose]();
  }

  /** Gateways begin as equals, and agree after some seconds on who has the address. */
  async #reached(): Promise<void> {
    const { floating } = this.#place.machines;
    await until(
      () =>
        this.#stopped !== undefined ||
        listens(floating, 443).then(
          () => true,
          () => false,
        ),
      () => `no gateway has taken ${floating}`,
    );
  }

  async #begin(...programs: readonly Program[]): Promise<void> {
    this.#started.push(programs);
    await Promise.all(programs.map((program) => program.start()));
  }

  async #stop(): Promise<void> {
    for (const rank of this.#started.toReversed()) await Promise.all(rank.map((program) => program.stop()));
    await this.#pending.catch(() => {});
  }
}
