import { type Frame, wholeFrame } from '../../services/core/frame.ts';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Entry } from '../../gen/parley/chat/v1/entry_pb.ts';
import type { Error as ErrorEvent } from '../../gen/parley/chat/v1/error_pb.ts';
import {
  type CommandSchema,
  ConnectRequestSchema,
  ConnectResponseSchema,
  type Event,
} from '../../gen/parley/chat/v1/session_pb.ts';
import type { DoorInlet, DoorOutlet, SessionHost } from '../../services/core/door.ts';

type CommandOf = NonNullable<MessageInitShape<typeof CommandSchema>['command']>;
type EventCase = NonNullable<Event['event']['case']>;
type EventValue<C extends EventCase> = Extract<Event['event'], { case: C }>['value'];

/** How long something that must happen may take before the test is told that it didn't. */
const patienceMs = 10_000;

/** A door without a wire: keeps what sessions are told, decoded. */
export class TestDoor implements DoorOutlet {
  readonly #sessions = new Map<number, TestSession>();
  readonly #inlet: DoorInlet;
  #last = 0;
  /** Frames handed over, however many sessions each was for. */
  frames = 0;
  /** Set to have the door itself fail. */
  broken: Error | undefined;

  constructor(host: SessionHost) {
    this.#inlet = host.attach(this);
  }

  open({ remoteAddress = '127.0.0.1' } = {}): TestSession {
    this.#last += 1;
    const session = new TestSession(this.#last, this.#inlet);
    this.#sessions.set(this.#last, session);
    this.#inlet.open(this.#last, { remoteAddress, transport: 'test' });
    return session;
  }

  deliver(sessions: readonly number[], frame: Frame): void {
    if (this.broken !== undefined) throw this.broken;
    this.frames += 1;
    for (const no of sessions) this.#sessions.get(no)?.take(wholeFrame(frame));
  }

  close(no: number, code: number, reason: string): void {
    this.#sessions.get(no)?.ended(code, reason);
    this.#sessions.delete(no);
  }

  detach(): void {
    this.#inlet.detach();
  }
}

interface Waiter {
  readonly wants: () => boolean;
  readonly resolve: () => void;
}

/** A client's end of a session. */
export class TestSession {
  readonly no: number;
  readonly events: Event[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #inlet: DoorInlet;
  readonly #waiters = new Set<Waiter>();
  #lastId = 0;

  constructor(no: number, inlet: DoorInlet) {
    this.no = no;
    this.#inlet = inlet;
  }

  /** Commands in one frame, in order; their ids. */
  send(...commands: readonly CommandOf[]): number[] {
    const numbered = commands.map((command) => ({ id: ++this.#lastId, command }));
    this.raw(toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: numbered })));
    return numbered.map(({ id }) => id);
  }

  /** A command that asks for no answer. */
  tell(command: CommandOf): void {
    this.raw(
      toBinary(ConnectRequestSchema, create(ConnectRequestSchema, { commands: [{ id: 0, command }] })),
    );
  }

  raw(frame: Uint8Array): void {
    this.#inlet.data(this.no, frame);
  }

  /** Sends a command and waits for its answer. */
  ask(command: CommandOf): Promise<Event> {
    const [id] = this.send(command);
    return this.answer(id as number);
  }

  /** The (first) answer to a command. */
  answer(id: number): Promise<Event> {
    return this.until((event) => event.replyTo === id);
  }

  /** The answer to a command that must be refused. */
  async refusal(command: CommandOf): Promise<ErrorEvent> {
    const { event } = await this.ask(command);
    if (event.case !== 'error') throw new Error(`expected a refusal, got ${event.case}`);
    return event.value;
  }

  /** The answer to a command, which must be of this kind. */
  async asked<C extends EventCase>(command: CommandOf, kind: C): Promise<EventValue<C>> {
    const { event } = await this.ask(command);
    if (event.case === 'error' && kind !== 'error')
      throw new Error(`expected ${kind}, was refused: ${event.value.reason}`);
    if (event.case !== kind) throw new Error(`expected ${kind}, got ${event.case}`);
    return event.value as EventValue<C>;
  }

  /** The first event for which this holds, whether it has come or will. */
  async until(wanted: (event: Event) => boolean): Promise<Event> {
    let found: Event | undefined;
    await this.when(() => {
      found = this.events.find(wanted);
      return found !== undefined;
    });
    return found as Event;
  }

  /** Resolves once this holds, looked at after everything that the session is told. */
  async when(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { wants: holds, resolve };
    this.#waiters.add(waiter);
    const late = new Error('it did not happen; the session was told: ' + this.told().join(' '));
    const timer = setTimeout(() => reject(late), patienceMs);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  /** Kinds of all events, in order. */
  told(): string[] {
    return this.events.map(({ event }) => event.case ?? 'unknown');
  }

  /** Events of one kind. */
  of<C extends EventCase>(kind: C): EventValue<C>[] {
    return this.events.flatMap(({ event }) => (event.case === kind ? [event.value as EventValue<C>] : []));
  }

  /** Entries of a conversation that were pushed, in order of arrival. */
  live(convId: string): Entry[] {
    return this.of('entry').filter((entry) => entry.convId === convId);
  }

  liveSeqs(convId: string): number[] {
    return this.live(convId).map(({ seq }) => Number(seq));
  }

  /** Waits until the entry was pushed. */
  async delivered(convId: string, seq: number): Promise<Entry> {
    const event = await this.until(
      ({ event: { case: kind, value } }) =>
        kind === 'entry' && value.convId === convId && value.seq === BigInt(seq),
    );
    return event.event.value as Entry;
  }

  /** After this, whatever message and connection node had to say before has come: links keep their order. */
  async barrier(): Promise<void> {
    await this.ask({ case: 'get', value: { convId: 'no such conversation', seq: 1n } });
  }

  ack(convId: string, seq: number): void {
    this.tell({ case: 'ack', value: { items: [{ convId, seq: BigInt(seq) }] } });
  }

  pause(): void {
    this.#inlet.paused(this.no);
  }

  resume(): void {
    this.#inlet.resumed(this.no);
  }

  /** The client goes away. */
  hangUp(): void {
    if (this.closed !== undefined) return;
    this.closed = { code: 1000, reason: 'the client went away' };
    this.#inlet.closed(this.no);
  }

  take(frame: Uint8Array): void {
    this.events.push(...fromBinary(ConnectResponseSchema, frame).events);
    this.#look();
  }

  ended(code: number, reason: string): void {
    this.closed ??= { code, reason };
    this.#look();
  }

  /** Waits until the server has closed the session. */
  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    await this.when(() => this.closed !== undefined);
    return this.closed as { code: number; reason: string };
  }

  #look(): void {
    for (const waiter of this.#waiters) if (waiter.wants()) waiter.resolve();
  }
}
