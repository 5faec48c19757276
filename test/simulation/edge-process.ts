import { MemoryDirectory } from '../../services/adapters/memory/memory-directory.ts';
import { ConnectionNode } from '../../services/connection/connection-node.ts';
import { Tokens } from '../../services/connection/token.ts';
import type { CallContext } from '../../services/core/door.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { Roster } from '../../services/peer/roster.ts';
import { noAdministration } from '../helpers/no-administration.ts';
import { keepLinks, ready } from './links.ts';
import { byReference } from './network.ts';
import { Process } from './process.ts';
import { SimDoor } from './sim-door.ts';

const aloneMs = 5_000;
const tokenSecret = 'nobody shows a token in simulations';

/** A connection node with a door for simulated clients. */
export class EdgeProcess extends Process {
  readonly role = 'connection';
  door: SimDoor | undefined;
  #node: ConnectionNode | undefined;
  #messages: Roster | undefined;

  override get epoch(): string {
    return this.#node?.epoch ?? '';
  }

  protected async compose(): Promise<void> {
    const { world, actor, log } = this;
    const clock = world.scheduler.clock(actor);
    const tokens = new Tokens([tokenSecret], clock);
    const bytes = { pageBytes: 65_536, pageCacheBytes: 1_048_576 };
    const times = { leaseMs: 1_500, sessionTtlMs: 90_000, pageTtlMs: 3_600_000 };
    const directory = await MemoryDirectory.open({ clock, ...times, ...bytes });
    const node = new ConnectionNode({
      config: world.config.connection,
      mode: 'development',
      clock,
      tokens,
      nodeId: this.nodeId,
      directory,
      administration: noAdministration,
      log,
      random: () => world.dice.fraction(),
      aloneMs,
    });
    this.#messages = keepLinks<EdgeFrame, OwnerFrame>({
      process: this,
      role: 'message',
      codec: byReference(),
      opened: (link, peer) => node.connectMessages(link, peer.nodeId, peer.storeEpoch),
    });
    world.directory.watch(actor, 'message', (seen) => node.see(ready(seen)));
    this.#node = node;
    this.door = new SimDoor({ scheduler: world.scheduler, weather: world.weather, actor, host: node });
    this.services.push(node);
  }

  /** A unary call; to be made in an event of this process. */
  call(rpc: string, request: unknown, user: string): Promise<unknown> {
    const context: CallContext = { bearer: undefined, user, remoteAddress: '127.0.0.1' };
    if (this.#node === undefined) return Promise.reject(new Error('the node is still starting'));
    return this.#node.call(rpc, request, context);
  }

  protected joined(announced: { update(state: 'ready'): void }): void {
    announced.update('ready');
  }

  protected ended(): void {
    this.#messages?.stop();
  }
}
