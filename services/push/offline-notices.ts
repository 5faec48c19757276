import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Clock } from '../core/clock.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import { Turns } from '../core/turns.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { maxAskedUsers, type Offline } from '../ports/offline.ts';
import type { Courier } from './courier.ts';
import { DigestWork } from './digest-work.ts';
import type { Digest } from './offline-digests.ts';
import { isoTime, type Webhook, where } from './webhook.ts';

export interface OfflineNoticesInit {
  readonly courier: Courier;
  readonly store: Pick<MessageStore, 'load'>;
  readonly offline: Offline;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly intervalMs: number;
  /** Events that may be gathered, at most: the consumer's window. */
  readonly window: number;
}

/** Digests that are worked out at once. */
const atOnce = 4;

/** Tells an endpoint which members had no session when messages came: per conversation and interval, not per message. */
export class OfflineNotices {
  readonly #init: OfflineNoticesInit;
  readonly #work: DigestWork;
  readonly #turns: Turns;

  constructor(init: OfflineNoticesInit) {
    const { clock, random, log, intervalMs } = init;
    this.#init = init;
    this.#turns = new Turns({ atOnce, mostWaiting: init.window });
    this.#work = new DigestWork({
      clock,
      random,
      intervalMs,
      tell: (digest) => this.#tell(digest),
      failed: ({ convId }, error) => {
        const fields = { 'event.action': 'offline-notice-failed', 'parley.conv_id': convId };
        log.warn('who is offline can not be told now', fields, error);
      },
    });
  }

  start(): void {
    this.#work.start();
  }

  stop(): void {
    this.#work.stop();
  }

  /** Resolves when the endpoint has heard of those who were offline, if anybody was. */
  handle(event: CommittedEvent): Promise<void> {
    return this.#work.handle(event);
  }

  async #tell(digest: Digest): Promise<void> {
    const webhooks = await this.#turns.run(() => this.#webhooks(digest));
    await Promise.all(webhooks.map((webhook) => this.#init.courier.deliver(webhook)));
  }

  async #webhooks(digest: Digest): Promise<Webhook[]> {
    const [snapshot] = await this.#init.store.load([digest.convId as ConvId]);
    const members = (snapshot?.members ?? [])
      .filter(({ leftSeq, joinedSeq }) => leftSeq === 0 && joinedSeq <= digest.lastSeq)
      .map(({ userId }) => userId)
      // Nobody need be told of what he has said himself.
      .filter((userId) => userId !== digest.soleSender)
      .sort();
    const webhooks: Webhook[] = [];
    for (let from = 0; from < members.length; from += maxAskedUsers) {
      const offline = await this.#init.offline.offline(members.slice(from, from + maxAskedUsers));
      if (offline.length > 0) webhooks.push(offlineWebhook(digest, from / maxAskedUsers, offline));
    }
    return webhooks;
  }
}

function offlineWebhook(digest: Digest, part: number, users: readonly UserId[]): Webhook {
  const { convId, firstSeq, lastSeq, messages, msgId, sender, createdAtMs } = digest;
  const data = {
    ...where(digest),
    first_seq: firstSeq,
    last_seq: lastSeq,
    messages,
    msg_id: String(msgId),
    sender,
    created_at: isoTime(createdAtMs),
    user_ids: users,
  };
  const { traces } = digest;
  return {
    type: 'message.offline',
    convId,
    firstSeq,
    lastSeq,
    part,
    occurredAtMs: createdAtMs,
    data,
    traces,
  };
}
