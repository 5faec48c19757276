import type { CarrierEvents } from '../../services/peer/dialer.ts';
import type { Carrier, LinkCodec } from '../../services/peer/stream-link.ts';
import type { WithHello } from '../../services/peer/hello.ts';
import type { Dice } from './dice.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';

/** Where streams of one kind are accepted. */
export interface Listener {
  readonly actor: Actor;
  accept(carrier: Carrier): CarrierEvents;
}

/** A neighbour that says nothing is given up within two seconds (keepalive). */
const silenceMs = 2_000;

/** One stream between two nodes: messages arrive in order, each after a while, until it is cut. */
class Stream {
  readonly caller: Actor;
  readonly called: Actor;
  readonly #network: Network;
  readonly #ends = new Map<Actor, CarrierEvents>();
  /** By receiver, when the last message arrives. */
  readonly #lastMs = new Map<Actor, number>();
  cut = false;

  constructor(network: Network, caller: Actor, called: Actor) {
    this.#network = network;
    this.caller = caller;
    this.called = called;
  }

  attach(actor: Actor, events: CarrierEvents): void {
    this.#ends.set(actor, events);
  }

  carrierOf(actor: Actor): Carrier {
    return {
      write: (message, written) => {
        this.#network.scheduler.soon(actor, written);
        const other = this.#other(actor);
        this.stall(other, this.#network.delayOf(message));
        this.#send(other, (events) => {
          this.#network.trace?.(other, `gets ${spoken(message)} from ${actor.name}`);
          events.message(message);
        });
      },
      hangUp: () => {
        this.#end(this.#other(actor), this.#network.weather.linkMs(), 'the other side hung up');
        this.#end(actor, 0, 'hung up');
      },
    };
  }

  /** Nothing arrives any more; each end notices after a while. */
  sever(noticedMs: (actor: Actor) => number): void {
    this.cut = true;
    for (const actor of [this.caller, this.called]) this.#end(actor, noticedMs(actor), 'the link is cut');
  }

  /** What is sent to this end from now on, or is on its way, comes later. */
  stall(receiver: Actor, ms: number): void {
    const { scheduler } = this.#network;
    this.#lastMs.set(receiver, Math.max(this.#lastMs.get(receiver) ?? 0, scheduler.nowMs + ms));
  }

  #other(actor: Actor): Actor {
    return actor === this.caller ? this.called : this.caller;
  }

  /** After a while, and after what was sent that way before. */
  arrive(receiver: Actor, act: () => void): void {
    const { scheduler, weather } = this.#network;
    const dueMs = Math.max(scheduler.nowMs + weather.linkMs(), this.#lastMs.get(receiver) ?? 0);
    this.#lastMs.set(receiver, dueMs);
    scheduler.at(receiver, dueMs - scheduler.nowMs, act);
  }

  #send(receiver: Actor, deliver: (events: CarrierEvents) => void): void {
    this.arrive(receiver, () => {
      const events = this.cut ? undefined : this.#ends.get(receiver);
      if (events !== undefined) deliver(events);
    });
  }

  #end(actor: Actor, afterMs: number, reason: string): void {
    const { scheduler } = this.#network;
    // What was sent before arrives before, unless the stream is cut.
    const dueMs = this.cut ? 0 : (this.#lastMs.get(actor) ?? 0);
    scheduler.at(actor, Math.max(afterMs, dueMs - scheduler.nowMs), () => {
      const events = this.#ends.get(actor);
      this.#ends.delete(actor);
      if (this.#ends.size === 0) this.#network.forget(this);
      events?.gone(reason);
    });
  }
}

/** Streams between nodes, by the address of who accepts them. */
export class Network {
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly #dice: Dice;
  readonly #listeners = new Map<string, Listener>();
  readonly #streams = new Set<Stream>();
  readonly trace: ((actor: Actor, what: string) => void) | undefined;
  /** The next message with a frame like this comes so much later, and what is behind it on its way. */
  awaited: { readonly like: (frame: object) => boolean; readonly ms: number } | undefined;

  constructor(parts: {
    scheduler: Scheduler;
    weather: Weather;
    dice: Dice;
    /** Told of each message that arrives; undefined where nobody wants to know. */
    trace: ((actor: Actor, what: string) => void) | undefined;
  }) {
    this.trace = parts.trace;
    this.scheduler = parts.scheduler;
    this.weather = parts.weather;
    this.#dice = parts.dice;
  }

  listen(address: string, listener: Listener): void {
    this.#listeners.set(address, listener);
  }

  dial(caller: Actor, address: string, events: CarrierEvents): Carrier {
    const { scheduler, weather } = this;
    const listener = this.#listeners.get(address);
    const called = listener?.actor;
    if (listener === undefined || called === undefined || !called.alive) {
      let over = false;
      const gone = (reason: string): void => {
        if (over) return;
        over = true;
        events.gone(reason);
      };
      scheduler.at(caller, weather.linkMs(), () => gone('refused'));
      return { write: () => {}, hangUp: () => gone('hung up') };
    }
    const stream = new Stream(this, caller, called);
    this.#streams.add(stream);
    stream.attach(caller, events);
    stream.arrive(called, () => {
      if (!stream.cut) stream.attach(called, listener.accept(stream.carrierOf(called)));
    });
    return stream.carrierOf(caller);
  }

  /** A process is dead: its machine says so at once, or nobody does for a while. */
  died(actor: Actor): void {
    const dice = this.#dice;
    for (const stream of [...this.#streams])
      if (stream.caller === actor || stream.called === actor) {
        const silent = dice.oneIn(4);
        stream.sever(() => (silent ? dice.between(100, silenceMs) : dice.between(0.1, 20)));
      }
  }

  /** Cuts a stream between two nodes of which one is named, if there is one. */
  cut(name: string): void {
    const stream = this.#streamOf(name);
    if (stream === undefined) return;
    const dice = this.#dice;
    const silent = dice.oneIn(3);
    stream.sever(() => dice.between(0.1, silent ? silenceMs : 50));
  }

  /** Has one direction of a stream stand still for a while; beyond what keepalive bears, it is cut. */
  stall(name: string): void {
    const stream = this.#streamOf(name);
    if (stream === undefined) return;
    const dice = this.#dice;
    stream.stall(dice.oneIn(2) ? stream.caller : stream.called, dice.between(50, silenceMs * 0.9));
  }

  delayOf(message: Uint8Array): number {
    const { awaited } = this;
    if (awaited === undefined || !carried.get(message)?.some((frame) => awaited.like(frame as object)))
      return 0;
    this.awaited = undefined;
    return awaited.ms;
  }

  forget(stream: Stream): void {
    this.#streams.delete(stream);
  }

  #streamOf(name: string): Stream | undefined {
    const streams = [...this.#streams].filter(
      ({ caller, called, cut }) => !cut && (caller.name === name || called.name === name),
    );
    return streams.length === 0 ? undefined : this.#dice.pick(streams);
  }
}

/** Frames as they are, behind a message that stands for them: what encoding them costs is tested elsewhere. */
export function byReference<Out, In>(): LinkCodec<Out, In> {
  return {
    encode: (frames) => {
      const message = new Uint8Array(1);
      carried.set(message, frames);
      return message;
    },
    decode: (message) => {
      const frames = carried.get(message);
      if (frames === undefined) throw new RangeError('nothing stands behind this message');
      return frames as readonly WithHello<In>[];
    },
  };
}

const carried = new WeakMap<Uint8Array, readonly unknown[]>();

/** The frames of a message, shortened, for whoever replays a schedule. */
function spoken(message: Uint8Array): string {
  const frames = carried.get(message) ?? [];
  return frames.map((frame) => JSON.stringify(frame, shortened)).join(' ');
}

const shortened = (key: string, value: unknown): unknown => {
  if (key === 'content' || key === 'body' || key === 'facts' || key === 'createdAtMs') return undefined;
  return typeof value === 'bigint' ? Number(value % 100_000n) : value;
};
