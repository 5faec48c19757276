import type { Clock } from '../core/clock.ts';
import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { rendezvous } from '../core/rendezvous.ts';
import type { TraceContext } from '../core/trace-context.ts';
import { conversationOf } from '../peer/conversation-of.ts';
import type { EdgeFrame, Operation, OwnerFrame, Result } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { type Answer, MessageLink } from './message-link.ts';

type Push = Exclude<OwnerFrame, { t: 'reply' } | { t: 'refused' }>;

/** A linked message node. */
export interface OwnerLink {
  readonly nodeId: string;
  /** Of the store that it writes to, as it said last. */
  epoch: string;
  readonly messages: MessageLink;
}

export interface OwnerLinksParts {
  readonly clock: Clock;
  /** How long a call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** A message node is linked: it knows nothing of this node yet. */
  readonly up: (owner: OwnerLink) => void;
  readonly push: (owner: OwnerLink, frame: Push) => void;
  /** A message node is gone, or its link is; its calls have been refused. */
  readonly lost: (owner: OwnerLink) => void;
  /** Told of errors in what follows from a frame: the link goes on. */
  readonly failed: (error: unknown) => void;
}

type Sent = ReturnType<MessageLink['send']>;

/** Users that one frame names, at most: a frame has to fit into a link. */
const usersAtOnce = 1_000;

/** A move of conversations is over sooner than this many refusals. */
const maxTries = 40;

/** The connection node's links to the message nodes, each conversation's frames on the link to its owner. */
export class OwnerLinks {
  readonly #parts: OwnerLinksParts;
  readonly #owners = new Map<string, OwnerLink>();
  /** The nodes that own conversations, as far as is known; undefined: those that are linked. */
  #seen: readonly { readonly nodeId: string }[] | undefined;

  constructor(parts: OwnerLinksParts) {
    this.#parts = parts;
  }

  /** Calls that wait for an answer. */
  get calls(): number {
    let calls = 0;
    for (const { messages } of this.#owners.values()) calls += messages.calls;
    return calls;
  }

  /** The nodes that own conversations, as far as is known. */
  get names(): readonly string[] {
    return this.#seen?.map(({ nodeId }) => nodeId) ?? [...this.#owners.keys()];
  }

  /** Whether every node that owns conversations can be asked. */
  get complete(): boolean {
    const { names } = this;
    return names.length > 0 && names.every((nodeId) => this.#owners.has(nodeId));
  }

  all(): Iterable<OwnerLink> {
    return this.#owners.values();
  }

  /**
   * The message nodes that own conversations, as the directory has them. One of them that is not linked can't be asked,
   * and nobody else is asked for what is its own. Undefined: the directory is not there, and links alone decide.
   */
  see(owners: readonly { readonly nodeId: string }[] | undefined): void {
    this.#seen = owners;
  }

  /** A message node's link is open. One that was linked before is down already, or is replaced. */
  connect(nodeId: string, link: Link<EdgeFrame>, epoch: string): LinkEvents<OwnerFrame> {
    const { clock, timeoutMs, up, push, lost, failed } = this.#parts;
    this.#owners.get(nodeId)?.messages.close('replaced');
    const owner: OwnerLink = {
      nodeId,
      epoch,
      messages: new MessageLink({
        clock,
        timeoutMs,
        push: (frame) => push(owner, frame),
        lost: () => {
          if (this.#owners.get(nodeId) === owner) this.#owners.delete(nodeId);
          lost(owner);
        },
        failed,
      }),
    };
    this.#owners.set(nodeId, owner);
    const events = owner.messages.attach(link);
    up(owner);
    return events;
  }

  /** The owner of a conversation, or a user's own node, among the nodes that are linked. */
  ownerOf(key: ConvId | UserId): OwnerLink | undefined {
    return this.#choose(key);
  }

  /** Asks the owner of the conversation concerned, or else the user's own node; `session` is 0 for unary calls. */
  call(session: number, userId: UserId, op: Operation, answer: Answer): void {
    const owner = this.#choose(conversationOf(op) ?? userId);
    if (owner === undefined) answer.refused(noOwner());
    else owner.messages.call(session, userId, op, answer);
  }

  /**
   * Asks for somebody who has no session. While a conversation moves, nodes may not agree yet on who owns it: it is asked
   * for again until they do, for a while.
   */
  async ask(userId: UserId, op: Operation, trace?: TraceContext): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await new Promise((done, refused) => this.call(0, userId, op, { trace, done, refused }));
      } catch (error) {
        const fault = toFault(error);
        if (fault.reason !== 'notOwner' || tries === maxTries) throw fault;
        await new Promise((resolve) => setTimeout(resolve, fault.retryAfterMs));
      }
    }
  }

  /** To the owner of the conversation that the frame names. */
  toOwner(frame: Extract<EdgeFrame, { readonly convId: ConvId }>): Sent {
    return this.#choose(frame.convId)?.messages.send(frame) ?? 'closed';
  }

  /** Acknowledgements, each to the owner of its conversation. */
  delivered(items: Extract<EdgeFrame, { t: 'delivered' }>['items']): void {
    const parts = new Map<OwnerLink, (typeof items)[number][]>();
    if (this.#owners.size === 1 && this.#seen === undefined) {
      for (const owner of this.#owners.values()) parts.set(owner, [...items]);
    } else
      for (const item of items) {
        const owner = this.#choose(item.convId);
        if (owner === undefined) continue;
        const part = parts.get(owner);
        if (part === undefined) parts.set(owner, [item]);
        else part.push(item);
      }
    for (const [owner, part] of parts) owner.messages.send({ t: 'delivered', items: part }, 64 * part.length);
  }

  /** Has each user's own node tell of them from now on. */
  watch(users: readonly UserId[]): void {
    const parts = new Map<OwnerLink, UserId[]>();
    for (const user of users) {
      const owner = this.#choose(user);
      if (owner === undefined) continue;
      const part = parts.get(owner);
      if (part === undefined) parts.set(owner, [user]);
      else part.push(user);
    }
    for (const [owner, part] of parts) sendUsers(owner, 'watch', part);
  }

  /** Has nobody tell of them any more: others may have been asked before these became another node's. */
  unwatch(users: readonly UserId[]): void {
    for (const owner of this.#owners.values()) sendUsers(owner, 'unwatch', users);
  }

  /** Gives up calls without an answer. To be called every second or so. */
  expire(): void {
    for (const { messages } of this.#owners.values()) messages.expire();
  }

  #choose(key: string): OwnerLink | undefined {
    if (this.#seen !== undefined) {
      const chosen = rendezvous(key, this.#seen);
      return chosen === undefined ? undefined : this.#owners.get(chosen.nodeId);
    }
    // One process with one message node: there is nothing to choose.
    if (this.#owners.size === 1) for (const owner of this.#owners.values()) return owner;
    return rendezvous(key, this.#owners.values());
  }
}

function sendUsers({ messages }: OwnerLink, t: 'watch' | 'unwatch', users: readonly UserId[]): void {
  for (let from = 0; from < users.length; from += usersAtOnce) {
    const part = users.slice(from, from + usersAtOnce);
    messages.send({ t, users: part }, 64 + 32 * part.length);
  }
}

/** The owner's link is lost, or there is none yet. */
export function noOwner(): Fault {
  return new Fault('ownerLost', { message: 'no message node is linked', retryAfterMs: 200 });
}
