import type { DoorInlet, DoorOutlet, SessionHost } from '../../services/core/door.ts';
import { type Frame, wholeFrame } from '../../services/core/frame.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Weather } from './weather.ts';

/** What a client's end of a connection hears. */
export interface ClientEnd {
  readonly actor: Actor;
  frame(frame: Uint8Array): void;
  /** `code` 0: the connection is lost. */
  closed(code: number, reason: string): void;
}

/** One client's connection: frames arrive in order, after a while, until either side closes it. */
export class ClientConnection {
  readonly #door: SimDoor;
  readonly #no: number;
  readonly end: ClientEnd;
  open = true;
  #toServerMs = 0;
  #toClientMs = 0;

  constructor(door: SimDoor, no: number, end: ClientEnd) {
    this.#door = door;
    this.#no = no;
    this.end = end;
  }

  /** The node that it leads to. */
  get node(): string {
    return this.#door.actor.name;
  }

  send(frame: Uint8Array): void {
    const { scheduler, actor } = this.#door;
    this.#toServerMs = this.#door.dueMs(this.#toServerMs);
    scheduler.at(actor, this.#toServerMs - scheduler.nowMs, () => {
      if (this.open) this.#door.inlet.data(this.#no, frame);
    });
  }

  /** The client goes away; the server hears of it later. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.#door.left(this.#no);
  }

  /** Lost under way: both ends hear of it, each by itself. */
  lose(): void {
    if (!this.open) return;
    this.close();
    const { scheduler, weather } = this.#door;
    scheduler.at(this.end.actor, weather.linkMs(), () => this.end.closed(0, 'lost'));
  }

  /** The client reads nothing for a while. */
  stall(ms: number): void {
    const { scheduler, actor, inlet } = this.#door;
    this.#toClientMs = Math.max(this.#toClientMs, scheduler.nowMs + ms);
    scheduler.at(actor, 0, () => this.open && inlet.paused(this.#no));
    scheduler.at(actor, ms, () => this.open && inlet.resumed(this.#no));
  }

  deliver(frame: Uint8Array): void {
    this.#toClient(() => this.end.frame(frame));
  }

  ended(code: number, reason: string): void {
    this.#toClient(() => {
      this.open = false;
      this.end.closed(code, reason);
    });
  }

  #toClient(tell: () => void): void {
    const { scheduler } = this.#door;
    this.#toClientMs = this.#door.dueMs(this.#toClientMs);
    scheduler.at(this.end.actor, this.#toClientMs - scheduler.nowMs, () => {
      if (this.open) tell();
    });
  }
}

/** Where simulated clients come in. */
export class SimDoor implements DoorOutlet {
  readonly scheduler: Scheduler;
  readonly weather: Weather;
  readonly actor: Actor;
  readonly inlet: DoorInlet;
  readonly #connections = new Map<number, ClientConnection>();
  #last = 0;

  constructor(parts: { scheduler: Scheduler; weather: Weather; actor: Actor; host: SessionHost }) {
    this.scheduler = parts.scheduler;
    this.weather = parts.weather;
    this.actor = parts.actor;
    this.inlet = parts.host.attach(this);
  }

  connect(end: ClientEnd): ClientConnection {
    const no = (this.#last += 1);
    const connection = new ClientConnection(this, no, end);
    this.#connections.set(no, connection);
    this.scheduler.at(this.actor, 0, () => {
      this.inlet.open(no, { remoteAddress: '127.0.0.1', transport: 'simulated' });
    });
    return connection;
  }

  deliver(sessions: readonly number[], frame: Frame): void {
    for (const no of sessions) this.#connections.get(no)?.deliver(wholeFrame(frame));
  }

  close(no: number, code: number, reason: string): void {
    this.#connections.get(no)?.ended(code, reason);
    this.#connections.delete(no);
  }

  /** The process is dead, and all connections with it. */
  die(): void {
    for (const connection of this.#connections.values()) connection.lose();
  }

  left(no: number): void {
    if (!this.#connections.delete(no)) return;
    this.scheduler.at(this.actor, this.weather.linkMs(), () => this.inlet.closed(no));
  }

  /** When what is sent now arrives, after what was sent before. */
  dueMs(lastMs: number): number {
    return Math.max(lastMs, this.scheduler.nowMs + this.weather.linkMs());
  }
}
