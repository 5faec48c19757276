import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Clock } from '../core/clock.ts';
import { Fault, toFault } from '../core/fault.ts';
import { Turns } from '../core/turns.ts';
import type { NodeCaller } from '../peer/node-caller.ts';
import { DirectoryError, type NodeLeases, type NodeRecord, type NodeRole } from '../ports/directory.ts';

export interface Member {
  readonly id: string;
  /** One for each role; of this node itself none where the directory has none. */
  readonly leases: readonly NodeRecord[];
  readonly caller: NodeCaller;
}

export interface Answered<O extends DescMessage> {
  readonly member: Member;
  readonly answer: MessageShape<O>;
  readonly roundTripMs: number;
  /** By this node's clock, in milliseconds since 1970. */
  readonly answeredAtMs: number;
}

export interface Unanswered {
  readonly member: Member;
  readonly problem: string;
  readonly roundTripMs: number;
}

export interface ClusterViewParts {
  readonly clock: Clock;
  readonly nodeId: string;
  readonly roles: readonly NodeRole[];
  readonly self: NodeCaller;
  /** Undefined: this process is alone. */
  readonly leases?: NodeLeases | undefined;
  /** Nodes that this process keeps links to, as they were seen last: asked where the directory can't be read. */
  readonly seen?: (() => readonly NodeRecord[]) | undefined;
  /** Another node, by the address of its links. */
  readonly dial: (address: string, nodeId: string) => NodeCaller;
}

/** How a question is put where any node of a role will do. */
export interface AskLimits {
  /** How long each node is given, in milliseconds; 2 seconds unless given. */
  readonly within?: number;
  /** Nodes that are asked, at most; 3 unless given. One that did not answer may have carried out what it was asked. */
  readonly tries?: number;
}

const everyRole: readonly NodeRole[] = ['bridge', 'connection', 'message', 'group', 'push'];
const timeoutMs = 2_000;
const askedAtOnce = 64;
const waitingMost = 10_000;
/** Nodes of a role that are asked for what any of them knows. */
const triesMost = 3;

/** The nodes of the cluster, to be asked. A node that does not answer costs its 2 seconds, and nobody else's. */
export class ClusterView {
  readonly #parts: ClusterViewParts;
  readonly #turns = new Turns({ atOnce: askedAtOnce, mostWaiting: waitingMost });

  constructor(parts: ClusterViewParts) {
    this.#parts = parts;
  }

  /** Whether this process has nobody beside it. */
  get alone(): boolean {
    return this.#parts.leases === undefined;
  }

  /** Asks all members, or those of a role. */
  async every<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    role?: NodeRole,
  ) {
    const { clock } = this.#parts;
    const { members, known } = await this.#members(role);
    const answered: Answered<O>[] = [];
    const unanswered: Unanswered[] = [];
    await Promise.all(
      members.map((member) =>
        this.#turns.run(async () => {
          const beganAtMs = performance.now();
          try {
            const answer = await member.caller.call(method, request, timeoutMs);
            const roundTripMs = performance.now() - beganAtMs;
            answered.push({ member, answer, roundTripMs, answeredAtMs: clock.wallMs() });
          } catch (error) {
            const { message } = toFault(error);
            unanswered.push({ member, problem: message, roundTripMs: performance.now() - beganAtMs });
          }
        }),
      ),
    );
    return { answered, unanswered, known };
  }

  /**
   * Asks one node of a role, this one where it plays it, then another one where that did not answer. Rejects with the
   * Fault of the last.
   */
  async any<I extends DescMessage, O extends DescMessage>(
    role: NodeRole,
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { within = timeoutMs, tries = triesMost }: AskLimits = {},
  ): Promise<MessageShape<O>> {
    let fault = new Fault('upstreamUnavailable', {
      message: `no ${role} node is there`,
      retryAfterMs: 1_000,
    });
    let left = tries;
    for await (const caller of this.#able(role)) {
      try {
        return await caller.call(method, request, within);
      } catch (error) {
        fault = toFault(error);
        // What the node itself says, others would say, too.
        if (fault.reason !== 'upstreamUnavailable' && fault.reason !== 'unknownCommand') throw fault;
      }
      left -= 1;
      if (left === 0) break;
    }
    throw fault;
  }

  /** Who may be asked of those that play a role. This node needs no directory for it. */
  async *#able(role: NodeRole): AsyncGenerator<NodeCaller> {
    const { nodeId, roles, self } = this.#parts;
    if (roles.includes(role)) yield self;
    const { members } = await this.#members(role);
    const rank = ({ leases }: Member): number => (leases.some(({ state }) => state === 'ready') ? 0 : 1);
    for (const { id, caller } of members.toSorted((one, other) => rank(one) - rank(other)))
      if (id !== nodeId) yield caller;
  }

  /**
   * All members, or those of a role with their leases of that role alone, by id; `known` tells whether the directory
   * could be read: where not, there may be others.
   */
  async #members(role?: NodeRole): Promise<{ readonly members: readonly Member[]; readonly known: boolean }> {
    const { nodeId, self, dial } = this.#parts;
    const { listed, known } = await this.#listed(role === undefined ? everyRole : [role]);
    const records = new Map<string, NodeRecord[]>([[nodeId, []]]);
    for (const record of listed) {
      const own = records.get(record.id);
      if (own === undefined) records.set(record.id, [record]);
      else own.push(record);
    }
    const members = [...records].map(([id, own]): Member => {
      const caller = id === nodeId ? self : dial(own[0]?.address ?? '', id);
      return { id, leases: own, caller };
    });
    const those = members.filter((member) => role === undefined || this.#plays(member, role));
    return { members: those.sort((one, other) => (one.id < other.id ? -1 : 1)), known };
  }

  async #listed(
    roles: readonly NodeRole[],
  ): Promise<{ readonly listed: readonly NodeRecord[]; readonly known: boolean }> {
    const { leases, seen } = this.#parts;
    if (leases === undefined) return { listed: [], known: true };
    try {
      const listings = await Promise.all(roles.map((role) => leases.list(role)));
      return { listed: listings.flatMap(({ nodes }) => nodes), known: true };
    } catch (error) {
      if (!(error instanceof DirectoryError)) throw error;
      return { listed: (seen?.() ?? []).filter(({ role }) => roles.includes(role)), known: false };
    }
  }

  #plays({ id, leases }: Member, role: NodeRole): boolean {
    if (id === this.#parts.nodeId) return this.#parts.roles.includes(role);
    return leases.some((lease) => lease.role === role);
  }
}
