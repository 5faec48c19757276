import { create, toBinary } from '@bufbuild/protobuf';
import { MessageBodySchema } from '../../../gen/parley/chat/v1/entry_pb.ts';
import {
  type CommittedEvent,
  CommittedEventSchema,
  CommittedKind,
} from '../../../gen/parley/node/v1/event_log_pb.ts';
import { messageContent } from '../../codec/frames.ts';
import type { ConvId, UserId } from '../../core/ids.ts';
import { silentLogger } from '../../core/log.ts';
import type { Tracer } from '../../core/tracer.ts';
import { noSettings, type PushSettings, type Recipient, type Told } from '../../ports/devices.ts';
import type { ConversationSnapshot, CursorRow, StoredEntry } from '../../ports/message-store.ts';
import type { PushTarget, PushTargetKind } from '../../ports/push-target.ts';
import type { SessionAck } from '../../ports/session-acks.ts';
import { DeviceNotices } from '../device-notices.ts';
import { NoticeCourier } from '../notice-courier.ts';
import { NoticeWriter } from '../notice-writer.ts';
import type { PushNotice, PushOutcome } from '../provider.ts';
import { Letters } from './letters.ts';
import { TurnedClock } from './turned-clock.ts';

export const garden = 'garden' as ConvId;

/** What was pushed, and where to. */
export interface Pushed {
  readonly to: string;
  readonly notice: PushNotice;
}

interface SceneDevice {
  readonly deviceId: string;
  readonly target: PushTarget;
  toldSeq: number;
  readonly registeredAtMs: number;
}

interface SceneOptions {
  readonly ackMs?: number;
  readonly ttlSeconds?: number;
  readonly content?: 'hidden' | 'shown';
  readonly tracer?: Tracer;
  /** Providers that are configured; FCM unless told. */
  readonly kinds?: readonly PushTargetKind[];
  /** Notices that there is room for at each. */
  readonly room?: number;
}

/** Pushes to devices with a conversation, its members and their devices around them, all at a test's hands. */
export class PushScene {
  readonly letters = new Letters();
  readonly clock = new TurnedClock();
  readonly pushed: Pushed[] = [];
  readonly marks: Told[] = [];
  readonly removed: string[] = [];
  /** Questions for sessions that were asked. */
  asked = 0;
  /** Fails reads of the store while it is set. */
  storeBroken = false;
  /** By device: what the provider says; `sent` unless told. */
  outcomes = new Map<string, PushOutcome>();
  /** FCM answers nothing until it resolves. */
  hanging: PromiseWithResolvers<void> | undefined;
  /** What happens during an attempt. */
  onSend: (to: string) => void = () => {};
  readonly sessions: SessionAck[] = [];
  readonly settings = new Map<string, PushSettings>();
  readonly silences = new Map<string, number>();
  readonly #devices = new Map<string, SceneDevice[]>();
  readonly #cursors = new Map<string, CursorRow>();
  readonly #entries: StoredEntry[] = [];
  readonly #left = new Set<string>();
  readonly #members: readonly string[];
  readonly #courier: NoticeCourier;
  readonly #notices: DeviceNotices;

  constructor(members: readonly string[], options: SceneOptions = {}) {
    const { ackMs = 300, ttlSeconds = 60, content = 'hidden' } = options;
    const { kinds = ['fcm'], room = 100 } = options;
    this.#members = members;
    const common = { clock: this.clock, random: () => 0, log: silentLogger };
    const providers = {
      kinds,
      send: async (target: PushTarget, notice: PushNotice): Promise<PushOutcome> => {
        const to = target.t === 'fcm' ? target.token : target.t;
        if (target.t === 'fcm') await this.hanging?.promise;
        this.pushed.push({ to, notice });
        const outcome = this.outcomes.get(to) ?? { t: 'sent' };
        this.onSend(to);
        return outcome;
      },
    };
    this.#courier = new NoticeCourier({
      ...common,
      providers,
      config: { attempts: 2, firstRetryMs: 1, maxRetryMs: 2 },
      deadLetters: this.letters,
      mostWaiting: room,
      atOnce: 10,
      atHost: 10,
    });
    const store = {
      load: async () => this.#read(() => [this.#snapshot()]),
      range: async (_no: bigint, from: number, to: number) =>
        this.#read(() => this.#entries.filter(({ seq }) => seq >= from && seq <= to)),
      cursors: async (_no: bigint, users: readonly UserId[] | undefined) =>
        this.#read(() => (users ?? []).flatMap((user) => this.#cursors.get(user) ?? [])),
      memberships: async () => [],
    };
    this.#notices = new DeviceNotices({
      ...common,
      config: { intervalMs: 100, ackMs, ttlSeconds },
      writer: new NoticeWriter({ store, clock: this.clock, content }),
      providers,
      courier: this.#courier,
      store,
      devices: {
        recipients: async (_convId: ConvId, users: readonly UserId[]) =>
          users.flatMap((userId) => this.#recipient(userId)),
        told: async (marks: readonly Told[]) => void this.#told(marks),
        remove: async (userId: UserId, deviceId: string) => {
          this.removed.push(`${userId} ${deviceId}`);
          return true;
        },
      } as never,
      acks: {
        sessions: async (_convId, _seq, users) => {
          this.asked += 1;
          return this.sessions.filter(({ userId }) => users.includes(userId));
        },
      },
      tracer: options.tracer,
      window: 1_000,
    });
    this.#notices.start();
  }

  /** A device, which is reached by `user deviceId`. */
  device(user: string, deviceId = 'phone', { registeredAtMs = 0, toldSeq = 0 } = {}): void {
    const target: PushTarget = { t: 'fcm', token: `${user} ${deviceId}` };
    this.#add(user, { deviceId, target, registeredAtMs, toldSeq });
  }

  /** A device that APNs reaches, by `apns`: in most scenes it is not configured. */
  appleDevice(user: string, deviceId = 'tablet'): void {
    const target: PushTarget = { t: 'apns', token: 'ab'.repeat(32), environment: 'production' };
    this.#add(user, { deviceId, target, registeredAtMs: 0, toldSeq: 0 });
  }

  /** The device is another user's now, or nobody's. */
  forgets(user: string): void {
    this.#devices.delete(user);
  }

  session(user: string, deviceId: string, state: SessionAck['state']): void {
    this.sessions.push({ userId: user as UserId, deviceId, state });
  }

  cursor(user: string, readSeq: number, deliveredSeq = readSeq): void {
    const userId = user as UserId;
    this.#cursors.set(user, { convNo: 1n, userId, readSeq, deliveredSeq, readOrd: readSeq });
  }

  leaves(user: string): void {
    this.#left.add(user);
  }

  /** Puts messages into the log, and gives the event that tells of them. */
  said(from: number, to: number, sender = 'ann', createdAtMs = Date.now()): CommittedEvent {
    for (let seq = from; seq <= to; seq += 1) {
      const content = { case: 'text', value: `hush ${seq}` } as const;
      const body = toBinary(MessageBodySchema, create(MessageBodySchema, { content }));
      this.#entries.push({
        seq,
        msgId: BigInt(seq),
        kind: 'message',
        ord: seq,
        sender,
        createdAtMs,
        recalled: false,
        revision: 0,
        content: messageContent(`c${seq}`, body),
      });
    }
    return create(CommittedEventSchema, {
      convId: garden,
      entries: this.#entries
        .filter(({ seq }) => seq >= from && seq <= to)
        .map(({ seq }) => ({
          seq: BigInt(seq),
          msgId: BigInt(seq),
          kind: CommittedKind.MESSAGE,
          sender,
          createdAtMs: BigInt(createdAtMs),
        })),
    });
  }

  recalls(seq: number): void {
    const at = this.#entries.findIndex((entry) => entry.seq === seq);
    this.#entries[at] = { ...(this.#entries[at] as StoredEntry), recalled: true };
  }

  handle(event: CommittedEvent): Promise<void> {
    return this.#notices.handle(event);
  }

  /** Notices that the courier has. */
  get underWay(): number {
    return this.#courier.underWay;
  }

  /** Pushes that were too old when their turn came. */
  get expired(): number {
    return this.#notices.expired;
  }

  /** Where pushes went, with the seq each told of. */
  get to(): string[] {
    return this.pushed.map(({ to, notice }) => `${to} ${notice.data['seq']}`).toSorted();
  }

  stop(): void {
    this.#notices.stop();
    this.#courier.stop();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #add(user: string, device: SceneDevice): void {
    this.#devices.set(user, [...(this.#devices.get(user) ?? []), device]);
  }

  #read<T>(read: () => T): T {
    if (this.storeBroken) throw new Error('the store is away');
    return read();
  }

  #told(marks: readonly Told[]): void {
    this.marks.push(...marks);
    for (const { userId, deviceId, seq } of marks)
      for (const device of this.#devices.get(userId) ?? [])
        if (device.deviceId === deviceId) device.toldSeq = Math.max(device.toldSeq, seq);
  }

  #recipient(userId: UserId): Recipient[] {
    const own = this.#devices.get(userId);
    if (own === undefined) return [];
    const devices = own.map((device) => ({ ...device, platform: 'android' as const }));
    const settings = this.settings.get(userId) ?? noSettings;
    return [{ userId, devices, settings, silencedUntilMs: this.silences.get(userId) ?? 0 }];
  }

  #snapshot(): ConversationSnapshot {
    const last = this.#entries.at(-1)?.seq ?? 0;
    return {
      convNo: 1n,
      convId: garden,
      kind: 'group',
      head: { seq: last, ord: last, msgId: BigInt(last) },
      projectedSeq: 0,
      group: undefined,
      members: this.#members.map((name) => ({
        userId: name as UserId,
        role: 'member',
        joinedSeq: 1,
        joinedOrd: 0,
        leftSeq: this.#left.has(name) ? last : 0,
        leftOrd: 0,
        rev: 1n,
      })),
    };
  }
}
