import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { backoffMs } from '../core/backoff.ts';
import { Fault } from '../core/fault.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { DeadLetter, DeadLetters } from '../ports/dead-letters.ts';
import type { PushTarget, PushTargetKind } from '../ports/push-target.ts';
import { CourierStopped } from './courier-stopped.ts';
import type { DevicePushConfig } from './device-options.ts';
import { HostTurns } from './host-turns.ts';
import { NoticeRoom } from './notice-room.ts';
import { noticeId } from './notice-text.ts';
import type { PushNotice, PushOutcome } from './provider.ts';
import type { PushProviders } from './push-providers.ts';
import type { PushTrace } from './push-trace.ts';

/** A notice for one device. */
export interface PushJob {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly target: PushTarget;
  readonly convId: ConvId;
  readonly seq: Seq;
  /** Where it stands for older messages, too, which were to be told of: the first of those. */
  readonly sinceSeq?: Seq;
  readonly occurredAtMs: number;
  /**
   * Makes the notice, when its turn has come: badges change meanwhile. Undefined where it is not to be sent any more;
   * `again`: what it rests on was true at an earlier attempt.
   */
  notice(again: boolean): Promise<PushNotice | undefined>;
  /** Where it tells of a sampled message. */
  readonly trace?: PushTrace | undefined;
}

/**
 * `gone`: the device is to be forgotten, unless it has named its target again after `sinceMs`. `replaced`: a newer notice
 * of the same conversation goes to the device instead. `withdrawn`: there is nothing to send any more, of this message;
 * from `sinceSeq` on there may be of older ones, whose notices this one has replaced.
 */
export type Delivery =
  | { readonly t: 'sent' }
  | { readonly t: 'gone'; readonly sinceMs: number | undefined }
  | { readonly t: 'replaced' }
  | { readonly t: 'withdrawn'; readonly sinceSeq: Seq }
  | { readonly t: 'deadLetter' };

/** It is not known yet from where on. */
interface Withdrawn {
  readonly t: 'withdrawn';
}

export interface NoticeCourierInit {
  readonly providers: Pick<PushProviders, 'send'>;
  readonly config: Pick<DevicePushConfig, 'attempts' | 'firstRetryMs' | 'maxRetryMs'>;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Notices that may be under way for each provider, at most: beyond it, whoever has more waits for room. */
  readonly mostWaiting: number;
  /** Attempts at once, at most, at each provider that is a service, or two: APNs has one for apps in development. */
  readonly atOnce: number;
  /** The same at each host of Web Push, which are any. */
  readonly atHost: number;
}

/** What one provider takes up. None has a part in what is another's. */
interface Way {
  readonly turns: HostTurns;
  readonly room: NoticeRoom;
}

interface Line {
  readonly key: string;
  readonly seq: Seq;
  readonly target: PushTarget;
  /** The first of the messages that it stands for; falls as it replaces what is older. */
  sinceSeq: Seq;
  replaced: boolean;
  wake: (() => void) | undefined;
  readonly done: Promise<Delivery>;
}

/**
 * Takes notices to devices. What fails is tried again after a growing time, and holds up nobody meanwhile; what fails for
 * good becomes a dead letter. Each provider has room and turns of its own, so that one that hangs or fails is late alone.
 *
 * A newer notice of the same conversation takes the place of one that has not been taken yet. Where the newer message is
 * then taken back, the older one would be lost. To keep it here until then would take room for each message, for as long as
 * the provider is away; so all that is kept is from which message on, and whoever made the newer notice looks for what is
 * left of them.
 */
export class NoticeCourier {
  /** By provider: notices that were replaced or withdrawn before they were sent, and that were given up. */
  readonly replaced = new Map<string, number>();
  readonly withdrawn = new Map<string, number>();
  readonly deadLettered = new Map<string, number>();
  readonly #init: NoticeCourierInit;
  readonly #ways: Readonly<Record<PushTargetKind, Way>>;
  /** The last notice under way of each device and conversation. */
  readonly #lines = new Map<string, Line>();
  readonly #waits = new Set<() => void>();
  readonly #abort = new AbortController();

  constructor(init: NoticeCourierInit) {
    this.#init = init;
    const { mostWaiting, atOnce, atHost } = init;
    // Rounds that several providers share may hand over some more than there is room for.
    const mostInAll = 2 * mostWaiting;
    const way = (limits: { readonly atOnce: number; readonly mostWaiting: number }): Way => ({
      turns: new HostTurns({ ...limits, mostInAll }),
      room: new NoticeRoom(mostWaiting),
    });
    this.#ways = {
      // What a host that hangs has beyond a quarter counts as tried, so that it goes before it has taken all the room.
      webpush: way({ atOnce: atHost, mostWaiting: mostWaiting / 4 }),
      fcm: way({ atOnce, mostWaiting: mostInAll }),
      apns: way({ atOnce, mostWaiting: mostInAll }),
    };
  }

  /** Notices that were handed over and are not done with. */
  get underWay(): number {
    return Object.values(this.#ways).reduce((sum, { room }) => sum + room.taken, 0);
  }

  /** Whether another notice may be handed over for this provider. */
  hasRoom(kind: PushTargetKind): boolean {
    return !this.#ways[kind].room.full;
  }

  /** Resolves when another notice may be handed over for this provider. */
  async room(kind: PushTargetKind): Promise<void> {
    const { room } = this.#ways[kind];
    while (room.full) {
      this.#checkRunning();
      await room.left();
    }
    this.#checkRunning();
  }

  /**
   * Rejects when the notice can't be made, when a dead letter can't be kept, and when the courier stops: deliver it again
   * later. One that is under way already is not sent a second time: both come to the same.
   */
  async deliver(job: PushJob): Promise<Delivery> {
    const key = JSON.stringify([job.userId, job.deviceId, job.convId]);
    const before = this.#lines.get(key);
    if (before !== undefined) {
      // They come late: a session had its time before, or the event log was read from further back.
      if (job.seq <= before.seq) standFor(before, job.sinceSeq ?? job.seq);
      if (job.seq < before.seq) return this.#replaced(job);
      if (job.seq === before.seq && isDeepStrictEqual(job.target, before.target)) return before.done;
      before.replaced = true;
      before.wake?.();
    }
    const line = this.#begin(key, job, before);
    this.#lines.set(key, line);
    const { room } = this.#ways[job.target.t];
    room.enter();
    try {
      return await line.done;
    } finally {
      room.leave();
    }
  }

  /** Cuts off what is under way; those who wait for it are rejected. */
  stop(): void {
    this.#abort.abort();
    for (const wake of [...this.#waits]) wake();
    for (const { room } of Object.values(this.#ways)) room.wakeAll();
  }

  async #attempt(job: PushJob, attempt: number): Promise<PushOutcome | Withdrawn> {
    const { target } = job;
    const { turns } = this.#ways[target.t];
    // Its turn was there, and what the task throws comes as it is.
    let begun = false;
    try {
      return await turns.run(hostOf(target), async () => {
        begun = true;
        this.#checkRunning();
        const made = await job.notice(attempt > 1);
        this.#checkRunning();
        if (made === undefined) return { t: 'withdrawn' };
        return this.#init.providers.send(target, made, { signal: this.#abort.signal });
      });
    } catch (error) {
      if (begun || !(error instanceof Fault)) throw error;
      return { t: 'retry', reason: 'too many wait' };
    }
  }

  #begin(key: string, job: PushJob, before: Line | undefined): Line {
    const { promise, resolve, reject } = Promise.withResolvers<Delivery>();
    const { seq, target, sinceSeq = seq } = job;
    const line: Line = { key, seq, target, sinceSeq, replaced: false, wake: undefined, done: promise };
    void this.#after(before, job, line).then(resolve, reject);
    return line;
  }

  async #after(before: Line | undefined, job: PushJob, line: Line): Promise<Delivery> {
    const earlier = await before?.done.catch(() => undefined);
    // Not of one that was sent while this one waited.
    if (before !== undefined && earlier?.t === 'replaced') standFor(line, before.sinceSeq);
    try {
      const outcome = await this.#persist(job, line);
      // In the same turn as it ends, so that none comes late in between.
      return outcome.t === 'withdrawn' ? { ...outcome, sinceSeq: line.sinceSeq } : outcome;
    } finally {
      if (this.#lines.get(line.key) === line) this.#lines.delete(line.key);
    }
  }

  async #persist(job: PushJob, line: Line): Promise<Delivery | Withdrawn> {
    const { config } = this.#init;
    for (let attempt = 1; ; attempt += 1) {
      this.#checkRunning();
      if (line.replaced) return this.#replaced(job);
      const { trace } = job;
      const outcome = await (trace === undefined
        ? this.#attempt(job, attempt)
        : trace.attempt(() => this.#attempt(job, attempt)));
      if (outcome.t === 'sent') return outcome;
      if (outcome.t === 'withdrawn') {
        count(this.withdrawn, job.target.t);
        return outcome;
      }
      if (outcome.t === 'gone') return { t: 'gone', sinceMs: outcome.sinceMs };
      this.#checkRunning();
      if (outcome.t === 'rejected' || attempt === config.attempts) {
        await this.#giveUp(job, attempt, outcome.reason);
        return { t: 'deadLetter' };
      }
      await this.#wait(this.#waitMs(job.target, attempt, outcome.afterMs), line);
    }
  }

  /**
   * How long to wait after an attempt: as the provider asks, or longer of our own accord. But a host of Web Push may be
   * anybody's, and what waits for it takes room of what goes to the others.
   */
  #waitMs({ t }: PushTarget, attempt: number, afterMs = 0): number {
    const { config, random } = this.#init;
    const bounds = { firstMs: config.firstRetryMs, maxMs: config.maxRetryMs };
    const askedMs = t === 'webpush' ? Math.min(config.maxRetryMs, afterMs) : afterMs;
    return Math.max(backoffMs(attempt - 1, bounds, random), askedMs);
  }

  #replaced({ target }: PushJob): { readonly t: 'replaced' } {
    count(this.replaced, target.t);
    return { t: 'replaced' };
  }

  async #giveUp(job: PushJob, attempts: number, reason: string): Promise<void> {
    await this.#init.deadLetters.add(letterOf(job, attempts, reason, this.#init.clock.wallMs()));
    count(this.deadLettered, job.target.t);
    this.#init.log.warn('a push was given up and is a dead letter', {
      'event.action': 'push-dead-letter',
      'parley.push.provider': job.target.t,
      'parley.push.notice': noticeId(job),
      'parley.attempts': attempts,
      ...job.trace?.ids,
      'parley.reason': reason,
    });
  }

  #checkRunning(): void {
    if (this.#abort.signal.aborted) throw new CourierStopped('pushes');
  }

  #wait(ms: number, line: Line): Promise<void> {
    if (line.replaced) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waits.delete(wake);
        line.wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waits.add(wake);
      line.wake = wake;
    });
  }
}

function standFor(line: Line, sinceSeq: Seq): void {
  line.sinceSeq = Math.min(line.sinceSeq, sinceSeq);
}

/** What may hang by itself, of those that one provider goes to. */
function hostOf(target: PushTarget): string {
  switch (target.t) {
    case 'webpush':
      return URL.parse(target.endpoint)?.host ?? '';
    case 'apns':
      return target.environment;
    case 'fcm':
      return '';
  }
}

/** By which endpoint name dead letters of pushes go; webhooks have no dot in theirs. */
export const pushEndpointPrefix = 'push.';

/** Names what was to be pushed, and to whom: neither what a message says nor the target, which is a secret. */
function letterOf(job: PushJob, attempts: number, reason: string, nowMs: number): DeadLetter {
  const { userId, deviceId, convId, seq, occurredAtMs, target } = job;
  return {
    id: noticeId(job),
    endpoint: `${pushEndpointPrefix}${target.t}`,
    type: 'push',
    convId,
    firstSeq: seq,
    lastSeq: seq,
    occurredAtMs,
    failedAtMs: nowMs,
    attempts,
    reason,
    body: JSON.stringify({ user_id: userId, device_id: deviceId, conv_id: convId, seq }),
  };
}

function count(of: Map<string, number>, provider: string): void {
  of.set(provider, (of.get(provider) ?? 0) + 1);
}
