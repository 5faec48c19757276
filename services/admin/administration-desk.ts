import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DescribeGroupRequestSchema } from '../../gen/parley/chat/v1/admin_pb.ts';
import type { ListAuditRecordsRequestSchema } from '../../gen/parley/chat/v1/audit_pb.ts';
import type { ClusterNodeSchema } from '../../gen/parley/chat/v1/cluster_pb.ts';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';
import type { Act, Actor, Administration } from '../peer/administration.ts';
import type { AuditTrail } from './audit-trail.ts';
import { replayMs } from './letter-desk.ts';
import type { Answered, ClusterView, Member, Unanswered } from './cluster-view.ts';

const { method } = NodeService;
/** Several who look at all nodes at once cost them no more than one. */
const sameAnswerMs = 500;

/** Letters that are sent or removed are not sent or removed by another node as well while the first one is at it. */
const once = { within: replayMs, tries: 1 };

type Nodes = Awaited<ReturnType<Administration['nodes']>>;

/** What administrators may ask of a cluster, gathered from its nodes. */
export class AdministrationDesk implements Administration {
  readonly #view: ClusterView;
  readonly #trail: AuditTrail;
  readonly #clock: Clock;
  #nodes: { readonly untilMs: number; readonly answer: Promise<Nodes> } | undefined;

  constructor(parts: { readonly view: ClusterView; readonly trail: AuditTrail; readonly clock: Clock }) {
    this.#view = parts.view;
    this.#trail = parts.trail;
    this.#clock = parts.clock;
  }

  act<T>(by: Actor, act: Act, carryOut: () => Promise<T>, isWhole?: (result: T) => boolean): Promise<T> {
    return this.#trail.act(by, act, carryOut, isWhole);
  }

  issued(by: Actor, act: Act): Promise<void> {
    return this.#trail.issued(by, act);
  }

  nodes(): Promise<Nodes> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#nodes === undefined || this.#nodes.untilMs <= nowMs)
      this.#nodes = { untilMs: nowMs + sameAnswerMs, answer: this.#inspect() };
    return this.#nodes.answer;
  }

  async locate(convId: ConvId) {
    const { answered, unanswered, known } = await this.#view.every(
      method.inspectConversation,
      { convId },
      'message',
    );
    const owners = [...answered, ...unanswered]
      .filter(({ member }) => owns(member) || (isUnlisted(member) && (!known || this.#view.alone)))
      .map(({ member }) => ({ nodeId: member.id }))
      .sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
    return {
      owner: rendezvous(convId, owners)?.nodeId ?? '',
      holds: answered.flatMap(({ answer: { hold } }) => (hold === undefined ? [] : [hold])),
      unreachable: names(unanswered),
    };
  }

  async hot(limit: number) {
    const { answered, ...others } = await this.#view.every(method.inspectHot, { limit }, 'message');
    const all = answered.flatMap(({ answer }) => answer.conversations);
    return {
      conversations: all.sort((one, other) => other.perSecond - one.perSecond).slice(0, limit),
      unreachable: unreached(others),
    };
  }

  async slow(limit: number) {
    const { answered, ...others } = await this.#view.every(method.inspectSlow, { limit }, 'connection');
    const now = answered.flatMap(({ answer }) => answer.now);
    const closed = answered.flatMap(({ answer }) => answer.closed);
    return {
      now: now.sort((one, other) => compare(other.forMs, one.forMs)).slice(0, limit),
      closed: closed.sort((one, other) => compare(one.forMs, other.forMs)).slice(0, limit),
      unreachable: unreached(others),
    };
  }

  async leases() {
    const { leases } = await this.#view.any('message', method.readLeases, {});
    return { leases };
  }

  async endSessions(userId: UserId, deviceId: string) {
    const asked = await this.#view.every(method.endUserSessions, { userId, deviceId }, 'connection');
    return {
      ended: asked.answered.reduce((sum, { answer }) => sum + answer.ended, 0),
      unreachable: unreached(asked),
    };
  }

  async group(ask: MessageInitShape<typeof DescribeGroupRequestSchema>) {
    const { group } = await this.#view.any('message', method.readGroup, { ask });
    if (group === undefined)
      throw new Fault('conversationNotFound', { message: 'no such group', field: 'group_id' });
    return group;
  }

  async audit(ask: MessageInitShape<typeof ListAuditRecordsRequestSchema>) {
    const { page } = await this.#view.any('message', method.readAudit, { ask });
    return page ?? {};
  }

  async letters(limit: number) {
    const { page } = await this.#view.any('push', method.readLetters, { ask: { limit } });
    return page ?? {};
  }

  async replay(ids: readonly string[]) {
    const { letters } = await this.#view.any('push', method.resendLetters, { ids: [...ids] }, once);
    return { letters };
  }

  async drop(ids: readonly string[]): Promise<number> {
    return (await this.#view.any('push', method.forgetLetters, { ids: [...ids] }, once)).dropped;
  }

  async #inspect(): Promise<Nodes> {
    const { answered, unanswered, known } = await this.#view.every(method.inspectNode, {});
    const nodes = [
      ...answered.map(answeredNode),
      ...unanswered.map(({ member, problem, roundTripMs }) => ({ ...nodeOf(member), problem, roundTripMs })),
    ];
    return { nodes: nodes.sort((one, other) => (one.id < other.id ? -1 : 1)), directoryAvailable: known };
  }
}

type Inspected = Answered<(typeof method.inspectNode)['output']>;

function answeredNode({ member, answer: { figures }, roundTripMs, answeredAtMs }: Inspected) {
  return {
    ...nodeOf(member),
    ...(figures !== undefined && {
      figures,
      // The node read its clock in the middle of the question, more or less.
      clockSkewMs: Number(figures.nowMs) - (answeredAtMs - roundTripMs / 2),
    }),
    roundTripMs,
  };
}

function nodeOf({
  id,
  leases,
}: Member): MessageInitShape<typeof ClusterNodeSchema> & { readonly id: string } {
  return {
    id,
    leases: leases.map(({ role, state, address, incarnation, load, protocol }) => ({
      role,
      state,
      address,
      incarnation: BigInt(incarnation),
      load,
      protocol,
    })),
  };
}

/** Whether conversations are shared among such nodes. */
function owns({ leases }: Member): boolean {
  return leases.some(({ role, state }) => role === 'message' && state === 'ready');
}

/** This node, where no directory says of it what it plays: it owns what it is asked for. */
function isUnlisted({ leases }: Member): boolean {
  return leases.length === 0;
}

/** With a word for those that nobody here has heard of, where the directory does not name them. */
function unreached({ unanswered, known }: { unanswered: readonly Unanswered[]; known: boolean }): string[] {
  return known ? names(unanswered) : [...names(unanswered), 'others, which the directory does not name now'];
}

function names(unanswered: readonly Unanswered[]): string[] {
  return unanswered.map(({ member }) => member.id);
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : Number(one > other);
}
