import type { Logger } from '../core/log.ts';
import type {
  ApnsTarget,
  FcmTarget,
  PushTarget,
  PushTargetKind,
  WebPushTarget,
} from '../ports/push-target.ts';
import type { PushNotice, PushOutcome, PushProvider } from './provider.ts';

/** What is configured; what is not is absent. */
export interface ProviderSet {
  readonly webpush?: PushProvider<WebPushTarget>;
  readonly fcm?: PushProvider<FcmTarget>;
  readonly apns?: PushProvider<ApnsTarget>;
}

/** What attempts came to, by provider. */
export interface ProviderMeters {
  sent: number;
  gone: number;
  retry: number;
  rejected: number;
  /** Attempts under way. */
  underWay: number;
}

/** Sends each notice by the provider that the target is for, and counts what becomes of it. */
export class PushProviders {
  readonly #set: ProviderSet;
  readonly #log: Logger;
  readonly #meters = new Map<PushTargetKind, ProviderMeters>();

  constructor(set: ProviderSet, log: Logger) {
    this.#set = set;
    this.#log = log;
    for (const kind of ['webpush', 'fcm', 'apns'] as const) {
      if (set[kind]) this.#meters.set(kind, { sent: 0, gone: 0, retry: 0, rejected: 0, underWay: 0 });
    }
  }

  /** Of the providers that are there. */
  get meters(): ReadonlyMap<PushTargetKind, ProviderMeters> {
    return this.#meters;
  }

  /** Notices that wait for their turn at a provider. */
  waiting(kind: PushTargetKind): number {
    return this.#set[kind]?.waiting ?? 0;
  }

  /** Those that are there. */
  get kinds(): readonly PushTargetKind[] {
    return [...this.#meters.keys()];
  }

  /** One attempt; never rejects. `rejected` where the provider is not configured. */
  async send(
    target: PushTarget,
    notice: PushNotice,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<PushOutcome> {
    const meters = this.#meters.get(target.t);
    // Each provider stands under the kind of target that it takes.
    const provider = this.#set[target.t] as PushProvider | undefined;
    if (meters === undefined || provider === undefined)
      return { t: 'rejected', reason: `${target.t} is not configured` };
    meters.underWay += 1;
    const outcome = await this.#attempt(provider, target, notice, options);
    meters.underWay -= 1;
    meters[outcome.t] += 1;
    return outcome;
  }

  /** A provider never rejects; what it did not foresee is a failed attempt, and held up nothing else. */
  async #attempt(
    provider: PushProvider,
    ...[target, notice, options]: Parameters<PushProvider['send']>
  ): Promise<PushOutcome> {
    try {
      return await provider.send(target, notice, options);
    } catch (error) {
      const fields = { 'event.action': 'push-attempt-failed', 'parley.push.provider': target.t };
      this.#log.error('a push failed in a way that nobody foresaw', fields, error);
      return { t: 'retry', reason: 'internal error' };
    }
  }

  async close(): Promise<void> {
    const { webpush, fcm, apns } = this.#set;
    await Promise.all([webpush?.close(), fcm?.close(), apns?.close()]);
  }
}
