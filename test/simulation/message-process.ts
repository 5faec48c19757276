import { Incarnation } from '../../services/core/incarnation.ts';
import { LeaseHolder } from '../../services/core/lease-holder.ts';
import { Forwarder } from '../../services/message/forwarder.ts';
import { Joining } from '../../services/message/joining.ts';
import { MessageNode } from '../../services/message/message-node.ts';
import { Ownership } from '../../services/message/ownership.ts';
import { OutboxWork } from '../../services/message/relay/outbox-work.ts';
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
const runLeaseMs = 5_000;
const renewEveryMs = 1_000;
const askMs = 2_000;

/** A message node, put together as `cluster-server.ts` and `cluster-message.ts` do it. */
export class MessageProcess extends Process {
  readonly role = 'message';
  node: MessageNode | undefined;
  #store: SimStore | undefined;
  readonly #rosters: Roster[] = [];
  #joining: Joining | undefined;

  override get epoch(): string {
    return this.#store?.epoch ?? '';
  }

  protected async compose(): Promise<void> {
    const { world, actor, log } = this;
    const { scheduler, weather, database, rows, directory, config, eventLog, dice } = world;
    const clock = scheduler.clock(actor);
    const committing = ({ conversations }: CommitBatch, name: string): void => {
      for (const { entries } of conversations)
        for (const { msgId } of entries) world.wrote(msgId, actor, name);
    };
    const run = new Incarnation();
    const incarnation = (): string => run.name;
    const store = new SimStore({ scheduler, weather, actor, database, rows, incarnation, committing });
    const ids = await LeaseHolder.take({
      store,
      clock,
      incarnation: run,
      leaseMs: runLeaseMs,
      renewEveryMs,
    });
    this.incarnation = Number(ids.source.next() >> 12n);
    this.#store = store;
    const ownership = new Ownership(this.nodeId);
    const peers = new PeerCalls({ timeoutMs: askMs });
    this.#joining = new Joining({ clock, config: joining });
    const forwarder = new Forwarder({
      nodeId: this.nodeId,
      ownerOf: (convId) => ownership.ownerOf(convId),
      self: { forward: (spans) => node.peers.forward(spans) },
      others: peers,
    });
    const outbox = new OutboxWork({
      store,
      events: eventLog?.of(actor, incarnation),
      incarnation,
      linked: () => node.linked,
      adopts: (batchId) => ownership.adopts(batchId),
      forward: (waiting) => forwarder.forward(waiting),
      clock,
      random: () => dice.fraction(),
      log,
    });
    const node: MessageNode = new MessageNode({
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
      relay: outbox.relay,
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
        service: '/peer',
        codec: byReference(),
        opened: (link, peer) => peers.attach(link, peer.nodeId),
      }),
    );
    directory.watch(actor, 'connection', (seen) => {
      if (seen !== undefined) node.seeEdges(seen);
    });
    directory.watch(actor, 'message', (seen) => node.see(ready(seen)));
    this.services.push(
      ids,
      outbox,
      node,
      new LinkAcceptor<OwnerFrame, EdgeFrame>({
        process: this,
        codec: byReference(),
        accept: (link, peer) => node.acceptEdge(link, peer.nodeId, peer.storeEpoch),
      }),
      new LinkAcceptor<PeerAnswerFrame, PeerQuestionFrame>({
        process: this,
        service: '/peer',
        codec: byReference(),
        accept: (link) => node.peers.accept(link),
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
