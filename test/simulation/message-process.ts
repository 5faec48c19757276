import { LeaseHolder } from '../../services/core/lease-holder.ts';
import { MessageNode } from '../../services/message/message-node.ts';
import { Ownership } from '../../services/message/ownership.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../../services/peer/group-frames.ts';
import type { Roster } from '../../services/peer/roster.ts';
import type { CommitBatch } from '../../services/ports/message-store.ts';
import { keepLinks, LinkAcceptor, ready } from './links.ts';
import { byReference } from './network.ts';
import { Process } from './process.ts';
import { SimStore } from './sim-store.ts';

const recentMs = 30_000;
const joinMs = 1_000;

/** A message node, put together as `cluster-server.ts` does it. */
export class MessageProcess extends Process {
  readonly role = 'message';
  node: MessageNode | undefined;
  #groups: Roster | undefined;

  protected async compose(): Promise<void> {
    const { world, actor, log } = this;
    const { scheduler, weather, database, rows, directory, config } = world;
    const clock = scheduler.clock(actor);
    const committing = ({ conversations }: CommitBatch): void => {
      for (const { entries } of conversations) for (const { msgId } of entries) world.wrote(msgId, actor);
    };
    const store = new SimStore({ scheduler, weather, actor, database, rows, committing });
    const ids = await LeaseHolder.take({ store, clock });
    this.incarnation = Number(ids.source.next() >> 12n);
    this.epoch = store.epoch;
    const ownership = new Ownership(this.nodeId);
    const node = new MessageNode({
      config: config.message,
      store,
      ids: ids.source,
      clock,
      incarnation: this.incarnation,
      log,
      recentMs,
      ownership,
      stallMs: 1_500,
    });
    this.node = node;
    this.#groups = keepLinks<GroupRequestFrame, GroupDecisionFrame>({
      process: this,
      role: 'group',
      codec: byReference(),
      opened: (link, peer) => node.connectGroup(link, peer.nodeId),
    });
    directory.watch(actor, 'message', (seen) => node.see(ready(seen)));
    this.services.push(
      ids,
      node,
      new LinkAcceptor<OwnerFrame, EdgeFrame>({
        process: this,
        codec: byReference(),
        accept: (link, peer) => node.acceptEdge(link, peer.nodeId, peer.storeEpoch),
      }),
    );
  }

  protected joined(announced: { update(state: 'ready'): void }): void {
    setTimeout(() => announced.update('ready'), joinMs);
  }

  protected ended(): void {
    this.#groups?.stop();
  }
}
