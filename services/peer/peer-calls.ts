import { Fault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import { Slots } from '../core/slots.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import type { SessionAck } from '../ports/session-acks.ts';
import type { Operation, Result } from './edge-frames.ts';
import type { Link, LinkEvents } from './link.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from './peer-frames.ts';
import { weighOperation } from './weight.ts';

interface Waiting {
  readonly link: Link<PeerQuestionFrame>;
  readonly resolve: (answer: PeerAnswerFrame) => void;
  readonly reject: (fault: Fault) => void;
  readonly timer: NodeJS.Timeout;
}

const mostWaiting = 1_000;
/** Commands that wait, at most: whatever comes of them, the others' questions go on. */
const mostCommands = 800;
/** What a command may take: a group node may be asked, and the store read and written. */
const commandMs = 10_000;

/** Where a command comes from that is handed on. */
export interface CommandOrigin {
  /** Of the store, as this node has it. */
  readonly epoch: string;
  /** Of a sampled command. */
  readonly trace?: TraceContext | undefined;
}

/** What this node asks of the message nodes that it is linked to. */
export class PeerCalls {
  readonly #timeoutMs: number;
  readonly #links = new Map<string, Link<PeerQuestionFrame>>();
  readonly #waiting = new Slots<Waiting>();
  #commands = 0;

  /** `timeoutMs`: how long an answer may take. */
  constructor({ timeoutMs }: { readonly timeoutMs: number }) {
    this.#timeoutMs = timeoutMs;
  }

  /** The message nodes that are linked. */
  get nodeIds(): readonly string[] {
    return [...this.#links.keys()];
  }

  isLinked(nodeId: string): boolean {
    return this.#links.has(nodeId);
  }

  attach(link: Link<PeerQuestionFrame>, nodeId: string): LinkEvents<PeerAnswerFrame> {
    this.#links.set(nodeId, link);
    return {
      frames: (frames) => {
        for (const frame of frames) this.#settle(frame.call)?.resolve(frame);
      },
      down: () => {
        if (this.#links.get(nodeId) === link) this.#links.delete(nodeId);
        for (const [call, waiting] of this.#waiting)
          if (waiting.link === link) this.#settle(call)?.reject(unreachable('the message node is gone'));
      },
    };
  }

  /**
   * Has a node forward entries of conversations that it owns. Gives the places of those that were sent to every live
   * edge. Rejects with a Fault where the node is not linked or does not answer: ask again later.
   */
  async forward(nodeId: string, spans: readonly OutboxSpan[]): Promise<readonly number[]> {
    const answer = await this.#ask(nodeId, 128 * spans.length, (call) => ({ t: 'forward', call, spans }));
    return answer.t === 'forwarded' ? answer.places : [];
  }

  /** Those of the users who have no session that a node knows of. Rejects like `forward`. */
  async offline(nodeId: string, users: readonly UserId[]): Promise<readonly UserId[]> {
    const answer = await this.#ask(nodeId, 80 * users.length, (call) => ({ t: 'askOffline', call, users }));
    if (answer.t !== 'offline') throw unreachable('the message node answers something else');
    return answer.users;
  }

  /** The sessions of users and how far each is with an entry, as `SessionAcks` says. Rejects like `forward`. */
  async sessionAcks(
    nodeId: string,
    convId: ConvId,
    seq: Seq,
    users: readonly UserId[],
  ): Promise<readonly SessionAck[]> {
    const ask = (call: number) => ({ t: 'askSessionAcks', call, convId, seq, users }) as const;
    const answer = await this.#ask(nodeId, 128 + 80 * users.length, ask);
    if (answer.t !== 'sessionAcks') throw unreachable('the message node answers something else');
    return answer.sessions;
  }

  /**
   * Has a node carry out what a user asks of a conversation that it owns, if it has the same epoch of the store. Rejects with the Fault of the refusal: that
   * of `notOwner` where the node is not the owner either or knows another epoch, `overloaded` where too many wait here, `ownerLost` where the
   * node is not linked or does not answer. Which operations may be handed on, `handedOn` says.
   */
  async command(
    nodeId: string,
    userId: UserId,
    op: Operation,
    { epoch, trace }: CommandOrigin,
  ): Promise<Result> {
    if (this.#commands >= mostCommands)
      throw new Fault('overloaded', { message: 'too many commands are handed on', retryAfterMs: 200 });
    this.#commands += 1;
    try {
      const answer = await this.#ask(
        nodeId,
        weighOperation(op),
        (call) => ({ t: 'command', call, userId, op, epoch, ...(trace && { trace }) }),
        commandMs,
      );
      if (answer.t === 'refused') throw new Fault(answer.refusal.reason, answer.refusal);
      if (answer.t !== 'reply') throw unreachable('the message node answers something else');
      return answer.result;
    } finally {
      this.#commands -= 1;
    }
  }

  #ask(
    nodeId: string,
    bytes: number,
    frame: (call: number) => PeerQuestionFrame,
    timeoutMs = this.#timeoutMs,
  ): Promise<PeerAnswerFrame> {
    const link = this.#links.get(nodeId);
    if (link === undefined) return Promise.reject(unreachable(`${nodeId} is not linked`));
    if (this.#waiting.size >= mostWaiting) return Promise.reject(unreachable('too many questions wait'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(call)?.reject(unreachable('the message node did not answer in time')),
        timeoutMs,
      );
      const call = this.#waiting.add({ link, resolve, reject, timer });
      if (link.send(frame(call), bytes + 64) !== 'queued')
        this.#settle(call)?.reject(unreachable('the message node is busy'));
    });
  }

  #settle(call: number): Waiting | undefined {
    const waiting = this.#waiting.take(call);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function unreachable(message: string): Fault {
  return new Fault('ownerLost', { message, retryAfterMs: 500 });
}
