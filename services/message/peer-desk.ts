import { Fault, toFault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Operation } from '../peer/edge-frames.ts';
import { handedOn } from '../peer/handed-on.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { maxForwardSpans, type PeerAnswerFrame, type PeerQuestionFrame } from '../peer/peer-frames.ts';
import { maxAskedUsers } from '../ports/offline.ts';
import type { OutboxSpan } from '../ports/outbox.ts';
import { notOwner } from './not-owner.ts';
import type { Asker } from './operations.ts';
import { PeerAsker } from './peer-asker.ts';

interface PeerDeskHost {
  /** Whether the entries were sent to every live edge. Never rejects. */
  forward(span: OutboxSpan): Promise<boolean>;
  isOnline(userId: UserId): boolean;
  owns(convId: ConvId): boolean;
  /** Throws a Fault where it is refused at once. */
  carryOut(asker: Asker, op: Operation): void;
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
      case 'command':
        this.#command(new PeerAsker({ link, call, userId: frame.userId }), frame.op);
    }
  }

  /** Was handed on once already: where this node is not the owner either, nodes don't agree yet on who is. */
  #command(asker: Asker, op: Operation): void {
    try {
      const convId = handedOn(op);
      if (convId === undefined)
        throw new Fault('unsupportedFrame', { message: 'such a command is not handed on' });
      if (!this.#host.owns(convId)) throw notOwner();
      this.#host.carryOut(asker, op);
    } catch (error) {
      asker.refuse(toFault(error));
    }
  }
}
