import type { Event, Welcome } from '../gen/parley/chat/v1/session_pb.ts';
import type { ClientClock } from './clock.ts';
import { closeReason } from './close-code.ts';
import { type CommandInit, decodeFrame, encodeCommand } from './frames.ts';
import { Outbox } from './outbox.ts';
import { offline, toChatError } from './refusal.ts';
import { dueMs, type SessionEvent, type SessionState, step } from './session-machine.ts';
import type { Credentials, SessionStream, Transport } from './transport.ts';

/** What the session asks of the client, and tells it. */
export interface SessionListener {
  /** The user and the token to sign in with, fetched anew for each attempt. */
  credentials(): Promise<Credentials>;
  /** Called for each stream, to put commands behind hello (sync, above all). */
  onOpening(): void;
  onWelcome(welcome: Welcome): void;
  /** An event that answers no command. */
  onEvent(event: Event): void;
  /** A frame was handed out whole. */
  onFrame(bytes: number): void;
  /** A session that was online is over. */
  onLost(): void;
  /** The state changed in a way that applications see. */
  onState(): void;
}

/** Takes the answers to a command: true when more are to come. `undefined`: the session is gone, no answer will come. */
type ReplyHandler = (event: Event | undefined) => boolean;

const defaultLimits = { maxBytes: 256 * 1024, maxCommands: 256 };

/**
 * The shell of the session machine: does what it says with a real stream, keeps the answers apart, and writes what
 * was said in one turn of the event loop with one write.
 */
export class Session {
  readonly #transport: Transport;
  readonly #clock: ClientClock;
  readonly #random: () => number;
  readonly #renewable: boolean;
  readonly #deviceId: string;
  readonly #listener: SessionListener;
  #state: SessionState = { t: 'idle' };
  #stream: SessionStream | undefined;
  /** Counts streams: what an earlier one says doesn't count. */
  #generation = 0;
  #lastId = 0;
  readonly #replies = new Map<number, ReplyHandler>();
  readonly #outbox = new Outbox(defaultLimits);
  #flushing = false;

  constructor(options: {
    transport: Transport;
    clock: ClientClock;
    random: () => number;
    renewable: boolean;
    deviceId: string;
    listener: SessionListener;
  }) {
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#renewable = options.renewable;
    this.#deviceId = options.deviceId;
    this.#listener = options.listener;
  }

  get state(): SessionState {
    return this.#state;
  }

  get online(): boolean {
    return this.#state.t === 'online';
  }

  dueMs(): number {
    return dueMs(this.#state);
  }

  /** Tells the machine what happened, and does what it answers. */
  dispatch(event: SessionEvent): void {
    const before = this.#state;
    const [next, effects] = step(before, event, {
      nowMs: this.#clock.monotonicMs(),
      random: this.#random(),
      renewable: this.#renewable,
    });
    this.#state = next;
    const ended = effects.find((effect) => effect.t === 'hangUp');
    if (hadStream(before) && (ended !== undefined || !hadStream(next)))
      this.#drop(ended?.reason ?? '', before.t === 'online');
    for (const effect of effects) {
      if (effect.t === 'open') void this.#open();
      else if (effect.t === 'ping') this.tell({ case: 'ping', value: {} });
    }
    if (before.t !== next.t) this.#listener.onState();
  }

  /** Sends a command whose answer does not matter. Lost when there is no stream. */
  tell(command: CommandInit): void {
    if (this.#stream !== undefined) this.#put(encodeCommand(0, command));
  }

  /** Sends a command; the handler gets its answers, or hears that none will come. */
  ask(command: CommandInit, handler: ReplyHandler): void {
    if (this.#stream === undefined) {
      handler(undefined);
      return;
    }
    this.#lastId += 1;
    this.#replies.set(this.#lastId, handler);
    this.#put(encodeCommand(this.#lastId, command));
  }

  /** Sends a command that has one answer. Rejects with a ChatError. */
  request(command: CommandInit): Promise<Event> {
    return new Promise((resolve, reject) => {
      if (!this.online) {
        reject(offline());
        return;
      }
      this.ask(command, (event) => {
        if (event === undefined) reject(offline());
        else if (event.event.case === 'error') reject(toChatError(event.event.value));
        else resolve(event);
        return false;
      });
    });
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation;
    let credentials: Credentials;
    try {
      credentials = await this.#listener.credentials();
    } catch {
      if (generation === this.#generation)
        this.dispatch({ t: 'refused', reason: 'tokenUnavailable', again: true, retryAfterMs: 0 });
      return;
    }
    if (generation !== this.#generation) return;
    this.#lastId = 0;
    this.#outbox.limit(defaultLimits);
    this.#stream = this.#transport.open({
      onFrame: (frame) => {
        if (generation === this.#generation) this.#frame(frame, generation);
      },
      onClose: (code, reason) => {
        if (generation === this.#generation)
          this.dispatch({ t: 'closed', code, reason: closeReason(code, reason) });
      },
    });
    const { token, userId } = credentials;
    const deviceId = this.#deviceId;
    this.ask({ case: 'hello', value: { token, userId, deviceId, protocolVersion: 1 } }, (event) => {
      if (event !== undefined) this.#helloAnswer(event);
      return false;
    });
    this.#listener.onOpening();
    this.#flush();
  }

  #helloAnswer({ event }: Event): void {
    if (event.case === 'welcome') {
      const welcome = event.value;
      this.#outbox.limit({ maxBytes: welcome.maxFrameBytes, maxCommands: welcome.maxCommands });
      const { sessionId, pingIntervalMs } = welcome;
      this.dispatch({ t: 'welcome', sessionId, pingIntervalMs });
      this.#listener.onWelcome(welcome);
    } else if (event.case === 'error') {
      const refusal = toChatError(event.value);
      const again = refusal.retry !== 'never';
      this.dispatch({ t: 'refused', reason: refusal.reason, again, retryAfterMs: refusal.retryAfterMs });
    }
  }

  #frame(frame: Uint8Array, generation: number): void {
    let events: Event[];
    try {
      events = decodeFrame(frame);
    } catch {
      this.dispatch({ t: 'kicked', reason: 'malformedFrame', again: true });
      return;
    }
    this.dispatch({ t: 'heard' });
    for (const event of events) {
      this.#event(event);
      // One of them may have ended the session.
      if (generation !== this.#generation) return;
    }
    this.#listener.onFrame(frame.byteLength);
  }

  #event(event: Event): void {
    if (event.replyTo !== 0) {
      const handler = this.#replies.get(event.replyTo);
      if (handler !== undefined && !handler(event)) this.#replies.delete(event.replyTo);
      return;
    }
    switch (event.event.case) {
      case 'kicked': {
        const { reason, reconnect } = event.event.value;
        this.dispatch({ t: 'kicked', reason, again: reconnect });
        return;
      }
      case 'draining':
        this.dispatch({ t: 'draining', delayMs: event.event.value.delayMs });
        return;
      default:
        this.#listener.onEvent(event);
    }
  }

  #put(encoded: Uint8Array): void {
    this.#outbox.push(encoded);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#stream === undefined || this.#outbox.empty) return;
    for (const frame of this.#outbox.take()) this.#stream.send(frame);
    this.dispatch({ t: 'spoke' });
  }

  /** Lets the stream go and answers everybody who waits for it. */
  #drop(reason: string, wasOnline: boolean): void {
    this.#generation += 1;
    this.#stream?.close(reason);
    this.#stream = undefined;
    this.#outbox.clear();
    const waiting = [...this.#replies.values()];
    this.#replies.clear();
    for (const handler of waiting) handler(undefined);
    if (wasOnline) this.#listener.onLost();
  }
}

function hadStream(state: SessionState): boolean {
  return state.t === 'connecting' || state.t === 'online';
}
