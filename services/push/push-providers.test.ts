import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../core/log.ts';
import type { FcmTarget } from '../ports/push-target.ts';
import type { PushNotice, PushOutcome, PushProvider } from './provider.ts';
import { PushProviders } from './push-providers.ts';

const notice: PushNotice = {
  id: 'n1',
  collapseKey: 'g',
  badge: 1,
  data: { conv_id: 'g' },
  ttlSeconds: 60,
  urgency: 'normal',
};
const device: FcmTarget = { t: 'fcm', token: 'someone' };

/** Answers with the outcomes in turn, each when it is told to. */
class Scripted implements PushProvider<FcmTarget> {
  readonly name = 'fcm';
  readonly waiting = 3;
  readonly tokens: string[] = [];
  closed = 0;
  readonly #outcomes: (PushOutcome | Promise<PushOutcome>)[];

  constructor(...outcomes: (PushOutcome | Promise<PushOutcome>)[]) {
    this.#outcomes = outcomes;
  }

  async send(target: FcmTarget): Promise<PushOutcome> {
    this.tokens.push(target.token);
    return (await this.#outcomes.shift()) as PushOutcome;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

describe('push providers', () => {
  it('hand a notice to the provider of its target, and count what comes of it', async () => {
    const held = Promise.withResolvers<PushOutcome>();
    const fcm = new Scripted(
      { t: 'sent' },
      { t: 'gone', reason: 'r' },
      { t: 'retry', reason: 'r' },
      held.promise,
    );
    const providers = new PushProviders({ fcm }, silentLogger);
    assert.deepEqual([...providers.meters.keys()], ['fcm']);
    for (const expected of ['sent', 'gone', 'retry']) {
      assert.equal((await providers.send(device, notice)).t, expected);
    }
    const last = providers.send(device, notice);
    const none = { sent: 1, gone: 1, retry: 1, rejected: 0 };
    assert.deepEqual(providers.meters.get('fcm'), { ...none, underWay: 1 });
    held.resolve({ t: 'rejected', reason: 'r' });
    assert.equal((await last).t, 'rejected');
    assert.deepEqual(providers.meters.get('fcm'), { ...none, rejected: 1, underWay: 0 });
    assert.deepEqual(fcm.tokens, Array(4).fill('someone'));
  });

  it('reject what no provider is configured for', async () => {
    const providers = new PushProviders({ fcm: new Scripted() }, silentLogger);
    assert.deepEqual(providers.kinds, ['fcm']);
    assert.deepEqual([providers.waiting('fcm'), providers.waiting('apns')], [3, 0]);
    const target = { t: 'apns', token: 'ab'.repeat(32), environment: 'production' } as const;
    const outcome = await providers.send(target, notice);
    assert.deepEqual(outcome, { t: 'rejected', reason: 'apns is not configured' });
  });

  it('count an attempt as failed where the provider rejects or throws', async () => {
    const failing = [
      () => Promise.reject(new Error('unforeseen')),
      () => {
        throw new Error('unforeseen');
      },
    ];
    for (const send of failing) {
      const fcm = { name: 'fcm', waiting: 0, send, close: async () => {} } as const;
      const providers = new PushProviders({ fcm }, silentLogger);
      assert.deepEqual(await providers.send(device, notice), { t: 'retry', reason: 'internal error' });
      const meters = { sent: 0, gone: 0, retry: 1, rejected: 0, underWay: 0 };
      assert.deepEqual(providers.meters.get('fcm'), meters);
    }
  });

  it('close together', async () => {
    const fcm = new Scripted();
    await new PushProviders({ fcm }, silentLogger).close();
    assert.equal(fcm.closed, 1);
  });
});
