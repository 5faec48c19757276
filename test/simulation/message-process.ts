import { LeaseHolder } from '../../services/core/lease-holder.ts';
import { Joining } from '../../services/message/joining.ts';
import { MessageNode } from '../../services/message/message-node.ts';
import { Ownership } from '../../services/message/ownership.ts';
import type { EdgeFrame, OwnerFrame } from '../../services/peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../../services/peer/group-frames.ts';
import { PeerCalls } from '../../services/peer/peer-calls.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from '../../services/peer/peer-frames.ts';
import type { Roster } from '../../services/peer/roster.ts';
import type { CommitBatch } from '../../services/ports/message-store.ts';
import { keepLinks, LinkAcceptor, ready } from './links.ts';
import { byReference } from './network.ts';
import { Process } from './process.ts';
import { SimStore } from './sim-store.ts';

const recentMs = 30_000;
const joining = { leastMs: 500, mostMs: 2_500 };
const askMs = 2_000;
/** Links between message nodes. */
const kind = '/peer';

/** A message node, put together as `cluster-server.ts` does it. */
export class MessageProcess extends Process {
  readonly role = 'message';
  node: MessageNode | undefined;
  readonly #rosters: Roster[] = [];
  #joining: Joining | undefined;

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
    const peers = new PeerCalls({ timeoutMs: askMs });
    this.#joining = new Joining({ clock, config: joining });
    const node = new MessageNode({
      config: config.message,
      store,
      ids: ids.source,
      clock,
      incarnation: this.incarnation,
      log,
      recentMs,
      ownership,
      others: peers,
      joining: this.#joining,
      stallMs: 1_500,
    });
    this.node = node;
    this.#rosters.push(
      keepLinks<GroupRequestFrame, GroupDecisionFrame>({
        process: this,
        role: 'group',
        codec: byReference(),
        opened: (link, peer) => node.connectGroup(link, peer.nodeId),
      }),
      keepLinks<PeerQuestionFrame, PeerAnswerFrame>({
        process: this,
        role: 'message',
        codec: byReference(),
        opened: (link, peer) => peers.attach(link, peer.nodeId),
        kind,
      }),
    );
    directory.watch(actor, 'connection', (seen) => {
      if (seen !== undefined) node.seeEdges(seen);
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
      new LinkAcceptor<PeerAnswerFrame, PeerQuestionFrame>({
        process: this,
        codec: byReference(),
        accept: (link) => node.peers.accept(link),
        kind,
      }),
    );
  }

  protected joined(announced: { update(state: 'ready'): void }): void {
    this.#joining?.start(() => announced.update('ready'));
  }

  protected override leaving(): void {
    this.#joining?.stop();
  }

  protected ended(): void {
    for (const roster of this.#rosters) roster.stop();
  }
}
