import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { GroupChange, Refusal } from '../peer/edge-frames.ts';
import type { Decision, GroupDecisionFrame, GroupFacts, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import type { Conversation } from './conversation.ts';

interface GroupPeer {
  readonly nodeId: string;
  readonly link: Link<GroupRequestFrame>;
}

interface Waiting {
  readonly link: Link<GroupRequestFrame>;
  readonly resolve: (decision: Decision) => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
}

/** Where the owner has changes of groups decided: each group by one of the group nodes that are linked. */
export class GroupDesk {
  readonly #timeoutMs: number;
  readonly #nodes: GroupPeer[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  constructor({ timeoutMs }: { timeoutMs: number }) {
    this.#timeoutMs = timeoutMs;
  }

  attach(link: Link<GroupRequestFrame>, nodeId: string): LinkEvents<GroupDecisionFrame> {
    this.#nodes.push({ nodeId, link });
    return {
      frames: (frames) => {
        for (const frame of frames) this.#answered(frame);
      },
      down: () => this.#detach(link),
    };
  }

  /** Resolves with what to commit; rejects with the group node's refusal, or with `groupsUnavailable`. */
  decide(
    conversation: Conversation,
    actor: UserId,
    change: GroupChange,
    trace?: TraceContext,
  ): Promise<Decision> {
    const link = rendezvous(conversation.convId, this.#nodes)?.link;
    if (link === undefined) return Promise.reject(unavailable('no group node is there'));
    this.#requests += 1;
    const request = this.#requests;
    return new Promise<Decision>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(request);
        reject(unavailable('no group node answered in time'));
      }, this.#timeoutMs);
      this.#waiting.set(request, { link, resolve, reject, timer });
      const facts = factsFor(conversation, actor, change);
      const groupId = conversation.convId;
      const sent = link.send(
        { t: 'decide', request, groupId, actor, change, facts, ...(trace && { trace }) },
        256 + 48 * facts.roles.size,
      );
      if (sent !== 'queued') this.#settle(request)?.reject(unavailable('the group node is busy'));
    });
  }

  /** Tells the group nodes what was committed. */
  committed(groupId: ConvId, seq: number, version: number): void {
    for (const { link } of this.#nodes) link.send({ t: 'committed', groupId, seq, version }, 128);
  }

  #answered(frame: GroupDecisionFrame): void {
    const waiting = this.#settle(frame.request);
    if (frame.t === 'decided') waiting?.resolve(frame.decision);
    else waiting?.reject(faultOf(frame.refusal));
  }

  #settle(request: number): Waiting | undefined {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) return undefined;
    clearTimeout(waiting.timer);
    this.#waiting.delete(request);
    return waiting;
  }

  #detach(link: Link<GroupRequestFrame>): void {
    this.#nodes.splice(
      this.#nodes.findIndex((node) => node.link === link),
      1,
    );
    for (const [request, waiting] of this.#waiting) {
      if (waiting.link === link) this.#settle(request)?.reject(unavailable('the group node is gone'));
    }
  }
}

function unavailable(message: string): Fault {
  return new Fault('groupsUnavailable', { message, retryAfterMs: 500 });
}

function faultOf({ reason, message, field, retryAfterMs }: Refusal): Fault {
  return new Fault(reason, { message, field, retryAfterMs });
}

function factsFor(conversation: Conversation, actor: UserId, change: GroupChange): GroupFacts {
  const roles = new Map([[actor, conversation.present(actor)?.role]]);
  let knownCount = conversation.members.size;
  for (const user of new Set(namedBy(change))) {
    roles.set(user, conversation.present(user)?.role);
    if (!conversation.members.has(user)) knownCount += 1;
  }
  const { group } = conversation;
  return { group, memberCount: group?.memberCount ?? 0, knownCount, roles };
}

function namedBy(change: GroupChange): readonly UserId[] {
  switch (change.t) {
    case 'create':
      return change.members;
    case 'add':
      return change.users;
    case 'remove':
    case 'expel':
    case 'setRole':
      return [change.user];
    default:
      return [];
  }
}
