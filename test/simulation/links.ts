import { Fault } from '../../services/core/fault.ts';
import { silentLogger } from '../../services/core/log.ts';
import { admit } from '../../services/peer/admit.ts';
import { Dialer } from '../../services/peer/dialer.ts';
import { type Hello, linkVersion } from '../../services/peer/hello.ts';
import type { Link, LinkEvents } from '../../services/peer/link.ts';
import { Roster } from '../../services/peer/roster.ts';
import { type LinkCodec, linkCounters, StreamLink, type Tagged } from '../../services/peer/stream-link.ts';
import type { NodeRole } from '../../services/ports/directory.ts';
import type { SeenLeases } from './leases.ts';
import type { Process } from './process.ts';

/** Of the nodes in a simulation, as `cluster-links.ts` and the link server of `services/grpc` set them up. */
const limitBytes = 64 * 1024 * 1024;
const helloMs = 3_000;
const backoff = { firstMs: 50, maxMs: 1_000 };

export type Opened<Out, In> = (link: Link<Out>, peer: Hello) => LinkEvents<In>;

export function helloOf({ nodeId, incarnation, epoch }: Process): Hello {
  return { version: linkVersion, nodeId, incarnation, clusterToken: '', storeEpoch: epoch };
}

/** What a node is asked for at its address besides its usual links: message nodes are asked by each other, too. */
export type LinkService = '' | '/peer';

/** Accepts links at a process's address until it stops. */
export class LinkAcceptor<Out extends Tagged, In extends Tagged> {
  readonly name: string;
  readonly #links = new Set<StreamLink<Out, In>>();

  constructor(parts: {
    process: Process;
    codec: LinkCodec<Out, In>;
    accept: Opened<Out, In>;
    service?: LinkService;
  }) {
    const { process, codec, accept, service = '' } = parts;
    this.name = `links${service}`;
    process.world.network.listen(process.address + service, {
      actor: process.actor,
      accept: (carrier) => {
        const late = setTimeout(() => carrier.hangUp(undefined, 'helloTimeout'), helloMs);
        const link = new StreamLink<Out, In>({
          carrier,
          codec,
          counters: linkCounters(),
          limitBytes,
          messageBytes: process.world.config.messageBytes,
          hello: () => helloOf(process),
          calls: false,
          opened: (self, peer) => {
            admit(peer, '');
            clearTimeout(late);
            return accept(self, peer);
          },
          failed: (error) => {
            // After a restore one side is out of date, and comes again.
            const isStale = error instanceof Fault && error.reason === 'epochChanged';
            if (!isStale || process.world.restores === 0) process.failed('a link is refused', error);
          },
        });
        this.#links.add(link);
        return {
          message: (message) => link.take(message),
          gone: (reason) => {
            clearTimeout(late);
            this.#links.delete(link);
            link.down(reason);
          },
        };
      },
    });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    for (const link of this.#links) link.close('stopped');
  }
}

/** Keeps links to all nodes of a role that a process sees, but none to itself. */
export function keepLinks<Out extends Tagged, In extends Tagged>(parts: {
  process: Process;
  role: NodeRole;
  codec: LinkCodec<Out, In>;
  opened: Opened<Out, In>;
  service?: LinkService;
}): Roster {
  const { process, role, codec, opened, service = '' } = parts;
  const { world, actor } = process;
  const { network, directory, dice } = world;
  const roster: Roster = new Roster(
    ({ nodeId, address }) =>
      new Dialer<Out, In>({
        dial: (events) => network.dial(actor, address + service, events),
        codec,
        counters: linkCounters(),
        limitBytes,
        messageBytes: world.config.messageBytes,
        hello: () => helloOf(process),
        opened: (link, peer) => {
          const events = opened(link, peer);
          return {
            frames: (frames) => events.frames(frames),
            down: (reason) => {
              events.down(reason);
              setImmediate(() => roster.lost(nodeId));
            },
          };
        },
        config: { backoff, random: () => dice.fraction() },
        helloMs,
        log: silentLogger,
        address,
      }),
  );
  directory.watch(actor, role, (seen) => {
    if (seen !== undefined) roster.see(seen.filter(({ nodeId }) => nodeId !== process.nodeId));
  });
  return roster;
}

/** The nodes of a role that share its work. */
export function ready(seen: SeenLeases): SeenLeases {
  return seen?.filter(({ state }) => state === 'ready');
}
