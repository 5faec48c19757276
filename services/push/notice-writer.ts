import type { Clock } from '../core/clock.ts';
import type { UserId } from '../core/ids.ts';
import type { ConversationSnapshot, MessageStore, StoredEntry } from '../ports/message-store.ts';
import { Badges } from './badges.ts';
import type { DevicePushConfig } from './device-options.ts';
import { noticeOf, noticeText } from './notice-text.ts';
import type { PushNotice } from './provider.ts';

export interface NoticeWriterInit {
  readonly store: Pick<MessageStore, 'memberships'>;
  readonly clock: Clock;
  readonly content: DevicePushConfig['content'];
}

/** What a notice is about, and whom it is for. */
export interface NoticeOccasion {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly snapshot: ConversationSnapshot;
  readonly entry: StoredEntry;
  readonly ttlSeconds: number;
}

/** Makes notices: with the user's badge as it is now, and with what the message says where that may be shown. */
export class NoticeWriter {
  readonly #content: NoticeWriterInit['content'];
  readonly #badges: Badges;

  constructor({ store, clock, content }: NoticeWriterInit) {
    this.#content = content;
    this.#badges = new Badges({ store, clock });
  }

  /** Rejects where the store can't be read. */
  async write({ userId, deviceId, snapshot, entry, ttlSeconds }: NoticeOccasion): Promise<PushNotice> {
    const { convId, kind, group } = snapshot;
    const { seq } = entry;
    const direct = kind === 'direct';
    const badge = await this.#badges.of(userId);
    const shown = this.#content === 'shown';
    const text = shown ? noticeText(entry, direct ? undefined : (group?.name ?? convId)) : undefined;
    return noticeOf({ userId, deviceId, convId, direct, seq, badge, ttlSeconds, text });
  }
}
