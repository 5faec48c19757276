import { isDeepStrictEqual } from 'node:util';
import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Clock } from '../core/clock.ts';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Devices, ReachableDevice, Recipient } from '../ports/devices.ts';
import type { ConversationSnapshot, MemberRow, MessageStore, StoredEntry } from '../ports/message-store.ts';
import type { PushTargetKind } from '../ports/push-target.ts';
import type { SessionAck, SessionAcks } from '../ports/session-acks.ts';
import type { DevicePushConfig } from './device-options.ts';
import { DigestWork } from './digest-work.ts';
import type { Delivery, NoticeCourier } from './notice-courier.ts';
import type { NoticeWriter } from './notice-writer.ts';
import type { Digest } from './offline-digests.ts';
import { ProviderRounds } from './provider-rounds.ts';
import { deviceNow, hasRead, messageNow } from './push-facts.ts';
import { concerns, cursorOf, verdict } from './push-rules.ts';
import type { PushProviders } from './push-providers.ts';
import { PushTrace } from './push-trace.ts';
import { isSilent } from './quiet.ts';
import { ToldBook } from './told-book.ts';

export interface DeviceNoticesInit {
  readonly config: Pick<DevicePushConfig, 'intervalMs' | 'ackMs' | 'ttlSeconds'>;
  readonly writer: NoticeWriter;
  readonly providers: Pick<PushProviders, 'kinds'>;
  readonly courier: NoticeCourier;
  readonly devices: Devices;
  readonly store: Pick<MessageStore, 'load' | 'range' | 'cursors'>;
  readonly acks: SessionAcks;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Events that may be gathered, at most: the consumer's window. */
  readonly window: number;
}

/** Members that are looked at together: their devices are opened in one go. */
const chunkSize = 100;
/** Newest messages of an interval among which one that is still there is looked for. */
const entriesLookedAt = 100;

/** For so long what a round has looked up is taken as it was; what has waited longer for its turn is looked up again. */
const freshMs = 10_000;

/** Pushes of one interval that are traced, at most. */
const mostTraced = 16;

/** What a round over a conversation's members is for. */
interface Errand {
  readonly digest: Digest;
  /** Undefined: all members. Otherwise those whose sessions have had their time. */
  readonly only: ReadonlySet<UserId> | undefined;
  /** Each tells whether its message was taken back before it was sent. */
  readonly deliveries: Promise<boolean>[];
}

interface Round extends Errand {
  readonly snapshot: ConversationSnapshot;
  readonly entry: StoredEntry;
  /** When all this was looked up, by the monotonic clock. */
  readonly readAtMs: number;
  /** By which providers; one that is alone waits for room. */
  readonly kinds: readonly PushTargetKind[];
}

/**
 * Pushes to devices, per conversation and interval: to those that have no session at once, to those that have one and do
 * not acknowledge once they have had the time to.
 */
export class DeviceNotices {
  /** Pushes that were too old to be worth sending when they were looked at. */
  expired = 0;
  readonly #init: DeviceNoticesInit;
  readonly #work: DigestWork;
  readonly #rounds: ProviderRounds;
  readonly #told: ToldBook;
  readonly #waits = new Set<() => void>();

  constructor(init: DeviceNoticesInit) {
    const { clock, random, log, config, courier, devices, window } = init;
    this.#init = init;
    this.#rounds = new ProviderRounds({ hasRoom: (kind) => courier.hasRoom(kind), mostWaiting: 2 * window });
    this.#told = new ToldBook({
      devices,
      failed: (error) =>
        log.warn('what devices were told can not be kept', { 'event.action': 'push-told-failed' }, error),
    });
    this.#work = new DigestWork({
      clock,
      random,
      intervalMs: config.intervalMs,
      tell: (digest) => this.#tell(digest),
      failed: ({ convId }, error) => {
        const fields = { 'event.action': 'push-failed', 'parley.conv_id': convId };
        log.warn('who is to be pushed to can not be told now', fields, error);
      },
    });
  }

  /** Conversations and intervals that are gathered or under way. */
  get size(): number {
    return this.#work.size;
  }

  start(): void {
    this.#work.start();
  }

  stop(): void {
    this.#work.stop();
    for (const wake of [...this.#waits]) wake();
  }

  /** Resolves when all devices that are to hear of the event have been told, or nobody is to. */
  handle(event: CommittedEvent): Promise<void> {
    return this.#work.handle(event);
  }

  async #tell(digest: Digest): Promise<void> {
    if (this.#ttlSeconds(digest) <= 0) {
      this.expired += 1;
      return;
    }
    const deliveries: Promise<boolean>[] = [];
    try {
      const errand = { digest, only: undefined, deliveries };
      await this.#rounds.each(
        this.#init.providers.kinds,
        (kinds) => this.#round(errand, kinds),
        (kinds, waiting) => this.#later(errand, kinds, waiting),
      );
    } finally {
      // Whatever else went wrong: what is on its way is not sent a second time meanwhile.
      await Promise.allSettled(deliveries);
    }
    const takenBack = await Promise.all(deliveries);
    // They hear of what is left of the interval in its stead; whoever was told already does not.
    if (takenBack.includes(true)) await this.#tell(digest);
  }

  /** Looks again at those whose sessions have had time, once they have. */
  async #later(
    errand: Errand,
    kinds: readonly PushTargetKind[],
    waiting: ReadonlySet<UserId>,
  ): Promise<void> {
    if (waiting.size === 0) return;
    const { config } = this.#init;
    await this.#until(errand.digest.createdAtMs + config.ackMs);
    await this.#rounds.each(
      kinds,
      (some) => this.#round({ ...errand, only: waiting }, some),
      async () => {},
    );
  }

  /** Pushes to those who are to be pushed to now; gives those whose sessions have time yet. */
  async #round(errand: Errand, kinds: readonly PushTargetKind[]): Promise<Set<UserId> | 'apart'> {
    const { digest, only } = errand;
    const waiting = new Set<UserId>();
    const readAtMs = this.#init.clock.monotonicMs();
    const [snapshot] = await this.#init.store.load([digest.convId as ConvId]);
    if (snapshot === undefined) return waiting;
    const entry = await this.#newest(digest, snapshot);
    if (entry === undefined) return waiting;
    const round = { ...errand, snapshot, entry, readAtMs, kinds };
    const members = snapshot.members.filter(
      (member) => concerns(member, entry) && (only === undefined || only.has(member.userId)),
    );
    // Where several go round nobody waits for room: that is for a few members only.
    if (kinds.length > 1 && members.length > chunkSize) return 'apart';
    for (let from = 0; from < members.length; from += chunkSize)
      for (const userId of await this.#chunk(round, members.slice(from, from + chunkSize)))
        waiting.add(userId);
    return waiting;
  }

  /** The newest message of the interval that nobody has taken back. */
  async #newest(
    { firstSeq, lastSeq }: Pick<Digest, 'firstSeq' | 'lastSeq'>,
    { convNo }: ConversationSnapshot,
  ): Promise<StoredEntry | undefined> {
    const entries = await this.#init.store.range(convNo, firstSeq, lastSeq, entriesLookedAt, true);
    return entries.toReversed().find(({ kind, recalled }) => kind === 'message' && !recalled);
  }

  async #chunk(round: Round, members: readonly MemberRow[]): Promise<Set<UserId>> {
    const { store, acks } = this.#init;
    const { snapshot, entry } = round;
    const waiting = new Set<UserId>();
    const willing = await this.#willing(round, members);
    if (willing.length === 0) return waiting;
    const users = willing.map(({ userId }) => userId);
    const rows = await store.cursors(snapshot.convNo, users);
    const cursors = new Map(rows.map((row) => [row.userId, row]));
    const behind = willing.filter(({ userId }) => cursorOf(cursors, userId).readSeq < entry.seq);
    if (behind.length === 0) return waiting;
    const sessions = await acks.sessions(
      snapshot.convId,
      entry.seq,
      behind.map(({ userId }) => userId),
    );
    for (const recipient of behind) {
      const { userId } = recipient;
      const own = sessions.filter((session) => session.userId === userId);
      const { deliveredSeq } = cursorOf(cursors, userId);
      for (const device of recipient.devices) {
        const verdictOf = verdict(entry, {
          registeredAtMs: device.registeredAtMs,
          toldSeq: device.toldSeq,
          sessions: statesOf(own, device),
          deliveredSeq,
          late: round.only !== undefined,
        });
        if (verdictOf === 'wait') waiting.add(userId);
        else if (verdictOf === 'push') await this.#push(round, recipient, device);
      }
    }
    return waiting;
  }

  /** Those who want to be told now, and have devices that the round is for, with these. */
  async #willing({ snapshot, kinds }: Round, members: readonly MemberRow[]): Promise<Recipient[]> {
    const { devices, clock } = this.#init;
    const users = members.map(({ userId }) => userId);
    const nowMs = clock.wallMs();
    return (await devices.recipients(snapshot.convId, users))
      .filter((one) => !isSilent(one, nowMs))
      .map((one) => ({ ...one, devices: one.devices.filter(({ target }) => kinds.includes(target.t)) }))
      .filter((one) => one.devices.length > 0);
  }

  /** Hands a notice to the courier, as soon as that has room where there is nobody else to wait. */
  async #push(round: Round, recipient: Recipient, device: ReachableDevice): Promise<void> {
    if (round.kinds.length === 1) await this.#init.courier.room(device.target.t);
    const delivery = this.#deliver(round, recipient.userId, device);
    // Somebody looks at it once the whole round is over.
    delivery.catch(() => undefined);
    round.deliveries.push(delivery);
  }

  /**
   * Whether the message was taken back before it was sent. `sinceSeq`: it is told of in the place of others from there
   * on, which were taken back.
   */
  async #deliver(
    round: Round,
    userId: UserId,
    device: ReachableDevice,
    sinceSeq: Seq = round.entry.seq,
  ): Promise<boolean> {
    const { digest, snapshot, entry, readAtMs } = round;
    const { clock, courier, devices, writer } = this.#init;
    const { deviceId, target } = device;
    const { convId } = snapshot;
    const { seq, createdAtMs: occurredAtMs } = entry;
    const trace = this.#traceOf(digest, { provider: target.t, convId, seq });
    let isTakenBack = false;
    const notice = async (again: boolean) => {
      const ttlSeconds = this.#ttlSeconds(entry);
      if (ttlSeconds <= 0) {
        this.expired += 1;
        return undefined;
      }
      if (again || clock.monotonicMs() - readAtMs > freshMs) {
        const state = await this.#stateOf(round, userId, device);
        isTakenBack = state === 'takenBack';
        if (state !== 'due') return undefined;
      }
      return writer.write({ userId, deviceId, snapshot, entry, ttlSeconds });
    };
    const job = { userId, deviceId, target, convId, seq, sinceSeq, occurredAtMs, notice, trace };
    let delivery: Delivery | undefined;
    try {
      delivery = await courier.deliver(job);
    } finally {
      trace?.ended(delivery?.t);
    }
    if (delivery.t === 'sent') await this.#told.mark({ userId, deviceId, convId, seq });
    else if (delivery.t === 'gone')
      await devices.remove(userId, deviceId, { target, seenUntilMs: delivery.sinceMs });
    else if (delivery.t === 'withdrawn' && isTakenBack)
      await this.#deliverOlder(round, userId, device, delivery.sinceSeq);
    return isTakenBack;
  }

  /**
   * A message was taken back whose push has replaced others: their intervals are done with, and what is left of them the
   * device hears of after all.
   */
  async #deliverOlder(round: Round, userId: UserId, device: ReachableDevice, sinceSeq: Seq): Promise<void> {
    const { snapshot, entry } = round;
    if (sinceSeq >= entry.seq) return;
    const older = await this.#newest({ firstSeq: sinceSeq, lastSeq: entry.seq - 1 }, snapshot);
    const member = snapshot.members.find((one) => one.userId === userId);
    if (older === undefined || member === undefined || !concerns(member, older)) return;
    const anew = { ...round, entry: older, readAtMs: Number.NEGATIVE_INFINITY };
    await this.#deliver(anew, userId, device, sinceSeq);
  }

  /**
   * Whether a push that has waited is still to be sent to where it was to go. `unwanted`: its user has read the message
   * meanwhile, or is silent now, or the device was told.
   */
  async #stateOf(
    { snapshot: { convId, convNo }, entry: { seq } }: Round,
    userId: UserId,
    { deviceId, target }: ReachableDevice,
  ): Promise<'due' | 'takenBack' | 'deviceGone' | 'unwanted'> {
    const { devices, store, clock } = this.#init;
    const now = await deviceNow(devices, { userId, deviceId, convId });
    // Another target was named later, and that device has found the message when it came.
    if (now === undefined || !isDeepStrictEqual(now.device.target, target)) return 'deviceGone';
    if (now.device.toldSeq >= seq || isSilent(now.recipient, clock.wallMs())) return 'unwanted';
    if (await hasRead(store, convNo, userId, seq)) return 'unwanted';
    return (await messageNow(store, convNo, seq)) === undefined ? 'takenBack' : 'due';
  }

  #traceOf(
    digest: Digest,
    of: { readonly provider: string; readonly convId: string; readonly seq: number },
  ): PushTrace | undefined {
    const { tracer } = this.#init;
    const { traces, traced = 0 } = digest;
    // A large group would fill a trace with its devices: the first few stand for all.
    if (tracer === undefined || traces === undefined || traced >= mostTraced) return undefined;
    digest.traced = traced + 1;
    return new PushTrace({ tracer, traces, ...of });
  }

  #ttlSeconds({ createdAtMs }: Pick<StoredEntry, 'createdAtMs'>): number {
    const { clock, config } = this.#init;
    return Math.floor(config.ttlSeconds - (clock.wallMs() - createdAtMs) / 1_000);
  }

  async #until(atMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waits.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, atMs - this.#init.clock.wallMs()));
      this.#waits.add(wake);
    });
    // Nobody has had the time yet that ends here.
    if (this.#work.stopped) throw new Error('pushes are stopping');
  }
}

function statesOf(own: readonly SessionAck[], { deviceId }: ReachableDevice): SessionAck['state'][] {
  return own.filter((session) => session.deviceId === deviceId).map(({ state }) => state);
}
