import { Fault, toFault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Decision, GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { decide } from './decide.ts';
import { GroupMeters } from './meters.ts';

type Question = Extract<GroupRequestFrame, { t: 'decide' }>;

/**
 * A group node: decides about groups for the message nodes that are linked to it. It keeps nothing of any group, since
 * the facts come with each question; so any group node may answer, and losing one loses nothing.
 */
export class GroupNode implements Service {
  readonly name = 'group';
  readonly meters = new GroupMeters();
  readonly #links = new Set<Link<GroupDecisionFrame>>();
  readonly #log: Logger;
  readonly #tracer: Tracer | undefined;
  #stopped = false;

  constructor({ log, tracer }: { readonly log: Logger; readonly tracer?: Tracer | undefined }) {
    this.#log = log;
    this.#tracer = tracer;
  }

  async start(): Promise<void> {}

  /** Ends the links; what was not answered is for the owners to ask elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const link of [...this.#links]) link.close('the group node stops');
  }

  /** Serves a message node's link. */
  accept(link: Link<GroupDecisionFrame>): LinkEvents<GroupRequestFrame> {
    // Not at once: until this returns, the link has nobody to tell that it is down.
    if (this.#stopped) queueMicrotask(() => link.close('the group node is stopped'));
    this.#links.add(link);
    this.meters.links = this.#links.size;
    return {
      frames: (frames) => {
        for (const frame of frames) {
          if (frame.t === 'decide') this.#answer(link, frame);
          else this.meters.committed += 1;
        }
      },
      down: () => {
        this.#links.delete(link);
        this.meters.links = this.#links.size;
      },
    };
  }

  #answer(link: Link<GroupDecisionFrame>, question: Question): void {
    const { request, groupId, actor, change, facts, trace } = question;
    const span = trace && this.#begin(question, trace);
    let verdict: Decision | Fault;
    try {
      verdict = decide(groupId, actor, change, facts);
    } catch (error) {
      this.#log.error('a change of a group could not be decided', { 'event.action': 'decide-failed' }, error);
      verdict = toFault(error);
    }
    if (verdict instanceof Fault) {
      this.meters.refuse(verdict.reason);
      span?.fail(verdict.reason);
      const { reason, message, field, retryAfterMs } = verdict;
      this.#send(link, { t: 'refused', request, refusal: { reason, message, field, retryAfterMs } }, 256);
    } else {
      this.meters.decide(change.t);
      this.#send(link, { t: 'decided', request, decision: verdict }, weight(verdict));
    }
    span?.end();
  }

  #begin({ groupId, change }: Question, parent: TraceContext): Span | undefined {
    const attributes = { 'parley.conv_id': groupId, 'parley.change': change.t };
    return this.#tracer?.start('group decide', { kind: 'server', parent, attributes });
  }

  #send(link: Link<GroupDecisionFrame>, frame: GroupDecisionFrame, bytes: number): void {
    if (link.send(frame, bytes) !== 'queued') this.meters.unsent += 1;
  }
}

/** About what a decision takes in a send queue: its lists of users are what may be long. */
function weight({ preconditions, entries }: Decision): number {
  let users = preconditions.length;
  for (const entry of entries) {
    if (entry.t === 'membersAdded') users += entry.users.length;
    else if (entry.t === 'groupCreated') users += entry.members.length;
  }
  return 256 + 64 * users;
}
