import type { UserId } from '../core/ids.ts';
import type { Link, LinkEvents } from '../peer/link.ts';
import { maxForwardSpans, type PeerAnswerFrame, type PeerQuestionFrame } from '../peer/peer-frames.ts';
import { maxAskedUsers } from '../ports/offline.ts';
import type { OutboxSpan } from '../ports/outbox.ts';

interface PeerDeskHost {
  /** Whether the entries were sent to every live edge. Never rejects. */
  forward(span: OutboxSpan): Promise<boolean>;
  isOnline(userId: UserId): boolean;
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
      }
    }
  }
}
