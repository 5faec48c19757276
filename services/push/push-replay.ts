import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { DeadLetter } from '../ports/dead-letters.ts';
import type { Devices } from '../ports/devices.ts';
import type { MessageStore } from '../ports/message-store.ts';
import type { DevicePushConfig } from './device-options.ts';
import { NoticeWriter } from './notice-writer.ts';
import { deviceNow, hasRead, messageNow } from './push-facts.ts';
import type { PushProviders } from './push-providers.ts';

export interface PushReplayInit {
  readonly config: Pick<DevicePushConfig, 'content' | 'ttlSeconds'>;
  readonly providers: Pick<PushProviders, 'send'>;
  readonly store: Pick<MessageStore, 'load' | 'range' | 'cursors' | 'memberships'> & {
    readonly devices: Devices;
  };
  readonly clock: Clock;
}

/** What came of it, and in words why not. */
export interface Replayed {
  readonly delivered: boolean;
  readonly words: string;
}

/** What `letterOf` in notice-courier.ts writes. */
const bodyType = z.object({
  user_id: z.string(),
  device_id: z.string(),
  conv_id: z.string(),
  seq: z.int(),
});

/** Sends pushes again that were given up: made anew, since a letter holds nothing of what a message says. */
export class PushReplay {
  readonly #init: PushReplayInit;
  readonly #writer: NoticeWriter;

  constructor(init: PushReplayInit) {
    const { config, store, clock } = init;
    this.#init = init;
    this.#writer = new NoticeWriter({ store, clock, content: config.content });
  }

  /** One attempt, whatever hours are quiet by now, unless the message was read. Rejects where the store can't be read. */
  async replay({ body }: DeadLetter): Promise<Replayed> {
    const { store, providers, config } = this.#init;
    const { user_id, device_id: deviceId, conv_id, seq } = bodyType.parse(JSON.parse(body));
    const [userId, convId] = [user_id as UserId, conv_id as ConvId];
    const now = await deviceNow(store.devices, { userId, deviceId, convId });
    if (now === undefined) return { delivered: false, words: 'the device is not registered any more' };
    const [snapshot] = await store.load([convId]);
    const entry = snapshot && (await messageNow(store, snapshot.convNo, seq));
    if (snapshot === undefined || entry === undefined)
      return { delivered: false, words: 'the message is not there any more' };
    if (await hasRead(store, snapshot.convNo, userId, seq))
      return { delivered: false, words: 'the message has been read' };
    const { ttlSeconds } = config;
    const notice = await this.#writer.write({ userId, deviceId, snapshot, entry, ttlSeconds });
    const outcome = await providers.send(now.device.target, notice);
    if (outcome.t !== 'sent') return { delivered: false, words: outcome.reason };
    await store.devices.told([{ userId, deviceId, convId, seq }]);
    return { delivered: true, words: '' };
  }
}
