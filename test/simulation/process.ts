import type { Logger } from '../../services/core/log.ts';
import { type Service, stopAll } from '../../services/core/service.ts';
import type { NodeRole } from '../../services/ports/directory.ts';
import { Actor } from './scheduler.ts';
import type { Ground } from './ground.ts';

/** How long the others have to see that a node is draining, as in `cluster-server.ts`. */
const noticeMs = 750;
const drainMs = 2_000;

/** One run of a node: what runs in it is production's, what it runs on is simulated. */
export abstract class Process {
  readonly world: Ground;
  readonly actor: Actor;
  readonly nodeId: string;
  abstract readonly role: NodeRole;
  readonly address: string;
  incarnation: number;
  protected readonly services: Service[] = [];
  #draining = false;
  #announced: ReturnType<Ground['directory']['announce']> | undefined;

  constructor(world: Ground, nodeId: string) {
    this.world = world;
    this.nodeId = nodeId;
    this.actor = new Actor(nodeId);
    this.incarnation = world.nextRun();
    this.address = `${nodeId}#${this.incarnation}`;
    world.scheduler.at(this.actor, 0, () => this.#start());
  }

  /** Of the store, as this node knows it; empty where it knows none. */
  get epoch(): string {
    return '';
  }

  get alive(): boolean {
    return this.actor.alive;
  }

  /** Alive, and neither starting nor going away. */
  get serving(): boolean {
    return this.alive && this.#announced !== undefined && !this.#draining;
  }

  /** Puts together what runs in it. */
  protected abstract compose(): Promise<void>;

  /** What follows once it is announced. */
  protected abstract joined(announced: { update(state: 'ready'): void }): void;

  /** It is about to say that it drains. */
  protected leaving(): void {}

  /** What ends with the process. */
  protected abstract ended(): void;

  /** It is gone, in the middle of whatever it does. */
  kill(): void {
    if (!this.alive) return;
    this.world.trace(this.actor, 'is killed');
    this.#end();
  }

  /** It stops as it does on SIGTERM. */
  drain(): void {
    if (!this.serving) return;
    this.#draining = true;
    this.world.trace(this.actor, 'drains');
    this.world.scheduler.at(this.actor, 0, () => {
      this.#drain().catch((error) => this.failed('could not drain', error));
    });
  }

  /** An error that must not happen. */
  failed(message: string, error: unknown): void {
    this.world.findings.add('unexpected', `${this.actor.name}: ${message}: ${describe(error)}`);
  }

  protected get log(): Logger {
    const quiet = (): void => {};
    const log: Logger = {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: (message, _, error) => this.failed(message, error),
      child: () => log,
    };
    return log;
  }

  #start(): void {
    this.#compose().catch((error) => {
      // A supervisor starts it again.
      this.world.trace(this.actor, `can not start: ${describe(error)}`);
      this.#end();
    });
  }

  async #compose(): Promise<void> {
    await this.compose();
    for (const service of this.services) await service.start();
    const { nodeId, role, incarnation, address, actor } = this;
    const { directory } = this.world;
    this.#announced = directory.announce(actor, { nodeId, role, incarnation, address, state: 'joining' });
    this.joined(this.#announced);
  }

  async #drain(): Promise<void> {
    this.leaving();
    this.#announced?.update('draining' as 'ready');
    await new Promise((resolve) => setTimeout(resolve, noticeMs));
    await stopAll(this.services, 'signal', drainMs);
    await this.#announced?.withdraw();
    this.ended();
    this.#end();
  }

  #end(): void {
    this.actor.alive = false;
    this.world.network.died(this.actor);
    this.world.directory.lapses(this.actor);
    this.world.processEnded(this);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.stack ?? error.cause.message})` : '';
  return `${error.stack ?? error.message}${cause}`;
}
