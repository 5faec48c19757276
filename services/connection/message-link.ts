import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import type { UserId } from '../core/ids.ts';
import { Slots } from '../core/slots.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { EdgeFrame, Operation, OwnerFrame, Result } from '../peer/edge-frames.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { weighOperation } from '../peer/weight.ts';

/** What becomes of a call: `more` for pages before the last one, then exactly one of `done` and `refused`. */
export interface Answer {
  /** When it was asked, in monotonic time; the link's own. */
  sinceMs?: number;
  /** Of a sampled command. */
  readonly trace?: TraceContext | undefined;
  more?(result: Result): void;
  done(result: Result): void;
  refused(fault: Fault): void;
}

type Push = Exclude<OwnerFrame, { t: 'reply' } | { t: 'refused' }>;

/** The connection node's end of its link to a message node: numbers the calls and hands over what is pushed. */
export class MessageLink {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #push: (frame: Push) => void;
  readonly #lost: (reason: string) => void;
  readonly #failed: (error: unknown) => void;
  readonly #calls = new Slots<Answer>();
  #link: Link<EdgeFrame> | undefined;

  constructor(parts: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly push: (frame: Push) => void;
    readonly lost: (reason: string) => void;
    /** Told of errors in what follows from a frame: the link goes on. */
    readonly failed: (error: unknown) => void;
  }) {
    this.#clock = parts.clock;
    this.#timeoutMs = parts.timeoutMs;
    this.#push = parts.push;
    this.#lost = parts.lost;
    this.#failed = parts.failed;
  }

  get calls(): number {
    return this.#calls.size;
  }

  attach(link: Link<EdgeFrame>): LinkEvents<OwnerFrame> {
    this.#link = link;
    return {
      frames: (frames) => {
        for (const frame of frames) {
          try {
            this.#take(frame);
          } catch (error) {
            this.#failed(error);
          }
        }
      },
      down: (reason) => {
        this.#link = undefined;
        this.#fail(new Fault('ownerLost', { message: 'the message node is gone' }), () => true);
        this.#lost(reason);
      },
    };
  }

  close(reason: string): void {
    this.#link?.close(reason);
  }

  /** Asks; `session` is 0 for unary calls. */
  call(session: number, userId: UserId, op: Operation, answer: Answer): void {
    if (this.#calls.full) {
      answer.refused(busy());
      return;
    }
    answer.sinceMs = this.#clock.monotonicMs();
    const call = this.#calls.add(answer);
    const { trace } = answer;
    const sent = this.send(
      trace === undefined
        ? { t: 'command', call, session, userId, op }
        : { t: 'command', call, session, userId, op, trace },
      weighOperation(op),
    );
    if (sent === 'queued') return;
    this.#calls.take(call);
    const fault = sent === 'full' ? busy() : new Fault('ownerLost', { message: 'the message node is gone' });
    answer.refused(fault);
  }

  ask(userId: UserId, op: Operation): Promise<Result> {
    return new Promise((done, refused) => this.call(0, userId, op, { sinceMs: 0, done, refused }));
  }

  /**
   * A link that can't take a frame is closed, and its sessions with it, so that nothing is lost unseen; calls are
   * refused instead, and typing may be lost.
   */
  send(frame: EdgeFrame, bytes = 128): 'queued' | 'full' | 'closed' {
    const sent = this.#link?.send(frame, bytes) ?? 'closed';
    if (sent === 'full' && frame.t !== 'command' && frame.t !== 'typing') this.#link?.close('sendQueueFull');
    return sent;
  }

  /** Gives up calls without an answer. To be called every second or so. */
  expire(): void {
    const before = this.#clock.monotonicMs() - this.#timeoutMs;
    const fault = new Fault('timedOut', { message: 'no answer in time', retryAfterMs: 500 });
    this.#fail(fault, ({ sinceMs = 0 }) => sinceMs < before);
  }

  #take(frame: OwnerFrame): void {
    if (frame.t !== 'reply' && frame.t !== 'refused') {
      this.#push(frame);
      return;
    }
    const call = this.#calls.get(frame.call);
    if (call === undefined) return;
    if (
      frame.t === 'reply' &&
      frame.result.t === 'conversations' &&
      frame.result.next !== undefined &&
      call.more
    ) {
      call.more(frame.result);
      // One that is being answered is waited for.
      call.sinceMs = this.#clock.monotonicMs();
      return;
    }
    this.#calls.take(frame.call);
    if (frame.t === 'reply') call.done(frame.result);
    else call.refused(new Fault(frame.refusal.reason, frame.refusal));
  }

  #fail(fault: Fault, which: (call: Answer) => boolean): void {
    for (const [number, call] of this.#calls) {
      if (!which(call)) continue;
      this.#calls.take(number);
      try {
        call.refused(fault);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

const busy = (): Fault => new Fault('overloaded', { message: 'the message node is busy', retryAfterMs: 200 });
