import { Fault } from '../core/fault.ts';
import type { Logger } from '../core/log.ts';
import { admit } from './admit.ts';
import { type DialConfig, type DialEvent, type DialState, dialing, step } from './dial-state.ts';
import type { Hello } from './hello.ts';
import type { Link, LinkEvents } from './link.ts';
import { type Carrier, type LinkCodec, type LinkCounters, StreamLink, type Tagged } from './stream-link.ts';

/** What a dialed stream tells. */
export interface CarrierEvents {
  message(message: Uint8Array): void;
  /** The stream ended or could not be had; nothing comes after it. */
  gone(reason: string): void;
}

export interface DialerParts<Out extends Tagged, In extends Tagged> {
  /** Opens a stream to the other node. */
  readonly dial: (events: CarrierEvents) => Carrier;
  readonly codec: LinkCodec<Out, In>;
  readonly counters: LinkCounters;
  readonly limitBytes: number;
  /** See `stream-link.ts`. */
  readonly messageBytes?: number | undefined;
  /** How this node introduces itself, as of now. */
  readonly hello: () => Hello;
  /** A link is open. Called again for each new one, after the one before went down. */
  readonly opened: (link: Link<Out>, peer: Hello) => LinkEvents<In>;
  readonly config: DialConfig;
  /** How long the other node may take to say hello, in milliseconds. */
  readonly helloMs: number;
  readonly log: Logger;
  /** For logs: what is dialed. */
  readonly address: string;
}

/** Keeps one link to another node: dials, and dials again when it is lost, until it is stopped. */
export class Dialer<Out extends Tagged, In extends Tagged> {
  readonly #parts: DialerParts<Out, In>;
  #state: DialState = dialing;
  #link: StreamLink<Out, In> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DialerParts<Out, In>) {
    this.#parts = parts;
    this.#dial();
  }

  get open(): boolean {
    return this.#state.t === 'open';
  }

  /** Hangs up for good. */
  stop(): void {
    this.#happened({ t: 'stop' });
  }

  #happened(event: DialEvent): void {
    const [state, effects] = step(this.#state, event, this.#parts.config);
    this.#state = state;
    for (const effect of effects) {
      switch (effect.t) {
        case 'dial':
          this.#dial();
          break;
        case 'wait':
          this.#timer = setTimeout(() => this.#happened({ t: 'timer' }), effect.ms);
          break;
        case 'hangUp':
          this.#link?.close('stopped');
      }
    }
    if (state.t === 'stopped') clearTimeout(this.#timer);
  }

  #dial(): void {
    const { dial, codec, counters, limitBytes, messageBytes, opened, helloMs, log, address } = this.#parts;
    const hello = this.#parts.hello();
    let lost = false;
    const gone = (reason: string): void => {
      if (lost) return;
      lost = true;
      clearTimeout(late);
      link.down(reason);
      if (this.#state.t !== 'stopped')
        log.warn('a link is lost', {
          'event.action': 'link-lost',
          'parley.peer.address': address,
          'parley.reason': reason,
        });
      this.#happened({ t: 'lost' });
    };
    const carrier = dial({ message: (message) => link.take(message), gone });
    const link = new StreamLink<Out, In>({
      carrier: {
        write: (message, written) => carrier.write(message, written),
        // The reason first: that it was hung up is what the carrier will say.
        hangUp: (fault, reason) => {
          gone(reason);
          carrier.hangUp(fault, reason);
        },
      },
      codec,
      counters,
      limitBytes,
      messageBytes,
      hello: () => hello,
      calls: true,
      opened: (self, peer) => {
        admit(peer, hello.clusterToken);
        clearTimeout(late);
        const events = opened(self, peer);
        this.#happened({ t: 'opened' });
        log.info('a link is open', {
          'event.action': 'link-open',
          'parley.peer.address': address,
          'parley.peer.node': peer.nodeId,
        });
        return events;
      },
      failed: (error) => log.error('a link spoke nonsense', { 'event.action': 'link-malformed' }, error),
    });
    this.#link = link;
    const late = setTimeout(() => {
      gone('helloTimeout');
      carrier.hangUp(new Fault('helloTimeout'), 'helloTimeout');
    }, helloMs);
  }
}
