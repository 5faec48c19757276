import type { CommittedEvent } from '../../gen/parley/node/v1/event_log_pb.ts';
import type { Clock } from '../core/clock.ts';
import { backoffMs } from '../core/backoff.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import { Turns } from '../core/turns.ts';
import type { MessageStore } from '../ports/message-store.ts';
import { maxAskedUsers, type Offline } from '../ports/offline.ts';
import type { Courier } from './courier.ts';
import { type Digest, OfflineDigests } from './offline-digests.ts';
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

const tickMs = 100;
/** Digests that are worked out at once. */
const atOnce = 4;
const retry = { firstMs: 200, maxMs: 30_000 };

/** Tells an endpoint which members had no session when messages came: per conversation and interval, not per message. */
export class OfflineNotices {
  readonly #init: OfflineNoticesInit;
  readonly #digests: OfflineDigests;
  readonly #outcomes = new Map<Digest, PromiseWithResolvers<void>>();
  readonly #turns: Turns;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(init: OfflineNoticesInit) {
    this.#init = init;
    this.#digests = new OfflineDigests({ intervalMs: init.intervalMs });
    this.#turns = new Turns({ atOnce, mostWaiting: init.window });
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const digest of this.#digests.due(this.#init.clock.wallMs())) this.#close(digest);
    }, tickMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Resolves when the endpoint has heard of those who were offline, if anybody was. */
  handle(event: CommittedEvent): Promise<void> {
    const { joined, closed } = this.#digests.add(event, this.#init.clock.wallMs());
    if (closed !== undefined) this.#close(closed);
    if (joined === undefined) return Promise.resolve();
    let outcome = this.#outcomes.get(joined);
    if (outcome === undefined) {
      outcome = Promise.withResolvers();
      this.#outcomes.set(joined, outcome);
    }
    return outcome.promise;
  }

  #close(digest: Digest): void {
    const outcome = this.#outcomes.get(digest);
    this.#outcomes.delete(digest);
    if (outcome === undefined) return;
    // A digest that fails is worked out again here, since its events apart would make other digests.
    void this.#tell(digest).then(outcome.resolve, outcome.reject);
  }

  async #tell(digest: Digest): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const webhooks = await this.#turns.run(() => this.#webhooks(digest));
        await Promise.all(webhooks.map((webhook) => this.#init.courier.deliver(webhook)));
        return;
      } catch (error) {
        if (this.#stopped) throw error;
        const fields = { 'event.action': 'offline-notice-failed', 'parley.conv_id': digest.convId };
        this.#init.log.warn('who is offline can not be told now', fields, error);
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(attempt, retry, this.#init.random)).unref(),
        );
        if (this.#stopped) throw error;
      }
    }
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
  return { type: 'message.offline', convId, firstSeq, lastSeq, part, occurredAtMs: createdAtMs, data };
}
