import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { TraceContext } from '../core/trace-context.ts';
import type { Span } from '../core/span.ts';
import type { Operation } from '../peer/edge-frames.ts';
import { handedOn } from '../peer/handed-on.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { maxForwardSpans, type PeerAnswerFrame, type PeerQuestionFrame } from '../peer/peer-frames.ts';
import { maxAskedUsers } from '../ports/offline.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import type { SessionAcks } from '../ports/session-acks.ts';
import { notOwner } from './not-owner.ts';
import type { Asker } from './operations.ts';
import { PeerAsker } from './peer-asker.ts';

interface PeerDeskHost {
  /** Whether the entries were sent to every live edge. Never rejects. */
  forward(span: OutboxSpan): Promise<boolean>;
  isOnline(userId: UserId): boolean;
  readonly acks: SessionAcks;
  owns(convId: ConvId): boolean;
  /** Whether this is the store's epoch as this node has it; where not, it has a look at the store. */
  agrees(epoch: string): boolean;
  /** Throws a Fault where it is refused at once. */
  carryOut(asker: Asker, op: Operation): void;
  /** The span of a sampled command. */
  begin(op: Operation, trace: TraceContext): Span | undefined;
}

const atOnce = 8;

/** Answers what other message nodes and push nodes ask of this one. */
export class PeerDesk {
  readonly #host: PeerDeskHost;

  constructor(host: PeerDeskHost) {
    this.#host = host;
  }

  accept(link: Link<PeerAnswerFrame>): LinkEvents<PeerQuestionFrame> {
    return {
      frames: (frames) => {
        for (const frame of frames) this.#take(link, frame);
      },
      down: () => {},
    };
  }

  /** Forwards entries of conversations that this node owns; gives the places of the spans that it is done with. */
  async forward(spans: readonly OutboxSpan[]): Promise<readonly number[]> {
    const done: number[] = [];
    const waiting = spans.entries();
    const work = async (): Promise<void> => {
      for (const [place, span] of waiting) if (await this.#host.forward(span)) done.push(place);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return done;
  }

  #take(link: Link<PeerAnswerFrame>, frame: PeerQuestionFrame): void {
    const { call } = frame;
    switch (frame.t) {
      case 'forward':
        void this.forward(frame.spans.slice(0, maxForwardSpans)).then((places) => {
          link.send({ t: 'forwarded', call, places }, 64 + 4 * places.length);
        });
        return;
      case 'askOffline': {
        const asked = frame.users.slice(0, maxAskedUsers);
        const users = asked.filter((userId) => !this.#host.isOnline(userId));
        link.send({ t: 'offline', call, users }, 64 + 80 * users.length);
        return;
      }
      case 'askSessionAcks':
        void this.#sessionAcks(link, frame);
        return;
      case 'command':
        this.#command(link, frame);
    }
  }

  /** Where edges can't be asked now, the caller asks again, or elsewhere. */
  async #sessionAcks(
    link: Link<PeerAnswerFrame>,
    { call, convId, seq, users }: Extract<PeerQuestionFrame, { t: 'askSessionAcks' }>,
  ): Promise<void> {
    try {
      const sessions = await this.#host.acks.sessions(convId, seq, users.slice(0, maxAskedUsers));
      link.send({ t: 'sessionAcks', call, sessions }, 64 + 100 * sessions.length);
    } catch (error) {
      const { reason, message, field, retryAfterMs } = toFault(error);
      link.send({ t: 'refused', call, refusal: { reason, message, field, retryAfterMs } }, 128);
    }
  }

  /** Was handed on once already: where this node is not the owner either, nodes don't agree yet on who is. */
  #command(
    link: Link<PeerAnswerFrame>,
    { call, userId, op, epoch, trace }: Extract<PeerQuestionFrame, { t: 'command' }>,
  ): void {
    const span = trace === undefined ? undefined : this.#host.begin(op, trace);
    const asker = new PeerAsker({ link, call, userId, span });
    try {
      const convId = handedOn(op);
      if (convId === undefined)
        throw new Fault('unsupportedFrame', { message: 'such a command is not handed on' });
      // Of a restored store one of the two has not heard yet: sessions of the one epoch must see nothing of the other.
      if ((epoch !== '' && !this.#host.agrees(epoch)) || !this.#host.owns(convId)) throw notOwner();
      this.#host.carryOut(asker, op);
    } catch (error) {
      asker.refuse(toFault(error));
    }
  }
}
