import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import type { UserId } from '../core/ids.ts';
import { sampleLetter } from '../ports/dead-letters.conformance.ts';
import { noSettings, type Told } from '../ports/devices.ts';
import { PushReplay } from './push-replay.ts';

/** A letter for bob's phone about message 3, and a replay of it where bob has read so far and is silenced until then. */
function scene({ readSeq = 0, silencedUntilMs = 0 } = {}) {
  const sent: string[] = [];
  const told: Told[] = [];
  const userId = 'bob' as UserId;
  const target = { t: 'fcm', token: 'bob-phone' } as const;
  const phone = { deviceId: 'phone', platform: 'android', target, registeredAtMs: 0, toldSeq: 0 };
  const devices = {
    recipients: async () => [
      { userId, devices: [phone], settings: { ...noSettings, silencedUntilMs }, silencedUntilMs: 0 },
    ],
    told: async (marks: readonly Told[]) => void told.push(...marks),
  };
  const replay = new PushReplay({
    config: { content: 'hidden', ttlSeconds: 60 },
    providers: {
      send: async (_target, { data }) => {
        sent.push(`${data['conv_id']} ${data['seq']}`);
        return { t: 'sent' };
      },
    },
    store: {
      load: async () => [{ convNo: 1n, convId: 'g', kind: 'group' }],
      range: async () => [{ seq: 3, kind: 'message', recalled: false }],
      cursors: async () => (readSeq === 0 ? [] : [{ convNo: 1n, userId, readSeq }]),
      memberships: async () => [],
      devices,
    } as never,
    clock: systemClock,
  });
  const body = JSON.stringify({ user_id: userId, device_id: 'phone', conv_id: 'g', seq: 3 });
  return { sent, told, replayed: replay.replay(sampleLetter(1, { endpoint: 'push.fcm', body })) };
}

describe('a replay of a push', () => {
  it('goes out although its user is silent: somebody asked for it', async () => {
    const { replayed, sent, told } = scene({ readSeq: 2, silencedUntilMs: Number.MAX_SAFE_INTEGER });
    assert.deepEqual(await replayed, { delivered: true, words: '' });
    assert.deepEqual([sent, told.map(({ seq }) => seq)], [['g 3'], [3]]);
  });

  it('tells nobody of what he has read', async () => {
    const { replayed, sent } = scene({ readSeq: 3 });
    assert.deepEqual(await replayed, { delivered: false, words: 'the message has been read' });
    assert.deepEqual(sent, []);
  });
});
