import { setTimeout as pause } from 'node:timers/promises';
import { create, fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import { type Error as ErrorEvent, Retry } from '../../../gen/parley/chat/v1/error_pb.ts';
import { ConnectRequestSchema, ConnectResponseSchema } from '../../../gen/parley/chat/v1/session_pb.ts';
import { type FaultReason, faults } from '../../../services/core/fault.ts';
import type { HostileFrame } from './hostile-frames.ts';
import { Metrics } from './metrics.ts';
import { type Command, type Door, helloOf, type Visitor } from './visitor.ts';

const retries: Readonly<Record<number, string>> = {
  [Retry.NEVER]: 'never',
  [Retry.HERE]: 'here',
  [Retry.ELSEWHERE]: 'elsewhere',
};

/** What HTTP refuses that never gets as far as a call. */
const httpReasons = ['notFound', 'methodNotAllowed', 'headersTooLarge', 'badRequest', 'badPath'];

/** What became of an attack. */
export class Tally {
  frames = 0;
  connections = 0;
  /** Refusals by reason, and closes by code and reason. */
  readonly refusals = new Map<string, number>();
  readonly closes = new Map<string, number>();
  /** What was carried out, by the kind of the answer. */
  readonly answers = new Map<string, number>();
  /** Answers that no client should get. */
  readonly problems: string[] = [];

  refused({ reason, code, retry }: Pick<ErrorEvent, 'reason' | 'code' | 'retry'>): void {
    count(this.refusals, reason);
    const known = Object.hasOwn(faults, reason) ? faults[reason as FaultReason] : undefined;
    if (known === undefined || reason === 'internal')
      this.problems.push(`an error with the reason “${reason}”`);
    else if (known.code !== code || known.retry !== retries[retry])
      this.problems.push(`${reason} with code ${code} and retry ${retries[retry]}`);
  }

  /** As plain sockets and HTTP tell it. */
  refusedPlainly(reason: string): void {
    count(this.refusals, reason);
    if ((!Object.hasOwn(faults, reason) && !httpReasons.includes(reason)) || reason === 'internal')
      this.problems.push(`an error with the reason “${reason}”`);
  }

  /** `told`: the reason of the last refusal before it. */
  closed(code: number, reason: string, told: string | undefined): void {
    const [named = ''] = reason.split(':');
    count(this.closes, `${code} ${named}`);
    const known = Object.hasOwn(faults, named) ? faults[named as FaultReason] : undefined;
    const expected = named === 'frameTooLarge' ? [known?.closeCode, 1009] : [known?.closeCode];
    if (known === undefined || named === 'internal' || !expected.includes(code))
      this.problems.push(`closed with ${code} “${reason}”`);
    // gRPC has no room for an event once a message is too large: there the status says it alone.
    else if (told !== named && named !== 'frameTooLarge')
      this.problems.push(`closed as ${named}, told ${told}`);
  }
}

export function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** A hostile session: what it is told is looked at, counted and forgotten. */
export class HostileSession {
  readonly #visitor: Visitor;
  readonly #tally: Tally;
  readonly #metricsPort: number;
  #awaited = 0;
  #told: string | undefined;
  /** Events since it began, and the frames of the last round: what is told where an answer does not come. */
  #heard = 0;
  #sent: readonly HostileFrame[] = [];
  #wake: () => void = () => {};
  #lastBarrier = 2 ** 31;

  constructor(visitor: Visitor, tally: Tally, metricsPort: number) {
    this.#visitor = visitor;
    this.#tally = tally;
    this.#metricsPort = metricsPort;
    const { session } = visitor;
    session.take = (frame) => this.#take(frame);
    const ended = session.ended.bind(session);
    session.ended = (code, reason) => {
      ended(code, reason);
      this.#wake();
    };
    tally.connections += 1;
  }

  get closed(): boolean {
    return this.#visitor.session.closed !== undefined;
  }

  async signIn(userId: string): Promise<void> {
    await this.#answered(helloOf(userId));
  }

  /** Sends these frames, and waits until all of them are answered, or the session is over. */
  async suffer(frames: readonly HostileFrame[]): Promise<void> {
    this.#sent = frames;
    for (const { frame } of frames) this.#visitor.tell(frame);
    this.#tally.frames += frames.length;
    await this.#answered({ case: 'ping', value: {} });
  }

  /** Ends it; one that the server has ended was told why. */
  async finish(): Promise<void> {
    const { closed } = this.#visitor.session;
    if (closed !== undefined) this.#tally.closed(closed.code, closed.reason, this.#told);
    await this.#visitor[Symbol.asyncDispose]();
  }

  async #answered(command: Command): Promise<void> {
    this.#lastBarrier += 1;
    this.#awaited = this.#lastBarrier;
    const { session } = this.#visitor;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#visitor.tell(encoded(this.#visitor.door, this.#awaited, command));
    const timer = setTimeout(() => {
      void this.#unanswered()
        .catch((error: unknown) => `no answer; told ${this.#told}; ${String(error)}`)
        .then((story) => {
          this.#tally.problems.push(story);
          resolve();
        });
    }, 60_000);
    if (session.closed === undefined) await promise;
    clearTimeout(timer);
  }

  /** Whether a session that got no answer hears anything any more, and what the server has for it. */
  async #unanswered(): Promise<string> {
    const { door } = this.#visitor;
    const before = this.#heard;
    // Nobody waits for this one by its number.
    this.#lastBarrier += 1;
    this.#visitor.tell(encoded(door, this.#lastBarrier, { case: 'ping', value: {} }));
    await pause(5_000);
    const metrics = await Metrics.read(this.#metricsPort);
    const unsent = [...metrics.by('chat_send_queue_bytes')].map(([hop, bytes]) => `${hop} ${bytes}`);
    const sent = this.#sent.map(({ frame }) => excerpt(frame)).join(', ');
    return (
      `no answer; told ${this.#told}; ${this.#heard - before} events after another ping; ` +
      `unsent at the server, in bytes: ${unsent.join(', ')}; sent before: ${sent}`
    );
  }

  #take(frame: Uint8Array): void {
    for (const { replyTo, event } of fromBinary(ConnectResponseSchema, frame).events) {
      this.#heard += 1;
      if (replyTo !== 0 && event.case !== undefined) count(this.#tally.answers, event.case);
      if (event.case === 'error') {
        this.#tally.refused(event.value);
        this.#told = event.value.reason;
      }
      if (replyTo === this.#awaited) this.#wake();
    }
  }
}

/** How a frame begins, and its length. */
function excerpt(frame: Uint8Array | string): string {
  return `${Buffer.from(frame).subarray(0, 100).toString('hex')} (${frame.length})`;
}

function encoded(door: Door, id: number, command: Command): Uint8Array | string {
  const request = create(ConnectRequestSchema, { commands: [{ id, command }] });
  return door === 'json'
    ? toJsonString(ConnectRequestSchema, request)
    : toBinary(ConnectRequestSchema, request);
}
