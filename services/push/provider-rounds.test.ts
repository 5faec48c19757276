import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PushTargetKind } from '../ports/push-target.ts';
import { type ProviderRound, ProviderRounds } from './provider-rounds.ts';

const kinds = ['webpush', 'fcm', 'apns'] as const;

function scene() {
  const full = new Set<PushTargetKind>();
  const rounds = new ProviderRounds({ hasRoom: (kind) => !full.has(kind), mostWaiting: 100 });
  const gone: string[] = [];
  const go = (round: ProviderRound<string> = async (some) => some.join(' ')) =>
    rounds.each(kinds, round, async (_some, result) => void gone.push(result));
  return { full, gone, go };
}

describe('rounds by provider', () => {
  it('are shared by those that have room', async () => {
    const { full, gone, go } = scene();
    await go();
    full.add('fcm');
    await go();
    full.add('apns');
    await go();
    assert.deepEqual(gone, ['webpush fcm apns', 'webpush apns', 'fcm', 'webpush', 'fcm', 'apns']);
  });

  it('are each provider’s own where a shared one would be too long', async () => {
    const { gone, go } = scene();
    await go(async (some) => (some.length > 1 ? 'apart' : some.join(' ')));
    assert.deepEqual(gone, [...kinds]);
  });

  it('of one that waits are behind its others, and nobody else’s', async () => {
    const { full, gone, go } = scene();
    const room = Promise.withResolvers<void>();
    full.add('fcm');
    const waiting: ProviderRound<string> = async (some) => {
      if (some.includes('fcm')) await room.promise;
      return some.join(' ');
    };
    const all = Array.from({ length: 10 }, () => go(waiting));
    while (gone.length < 10) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(new Set(gone), new Set(['webpush apns']));
    // It has room for a moment: who comes now is not in front of those that have waited.
    full.delete('fcm');
    all.push(go(waiting));
    while (gone.length < 11) await new Promise((resolve) => setImmediate(resolve));
    room.resolve();
    await Promise.all(all);
    assert.deepEqual(new Set(gone), new Set(['webpush apns', 'fcm']));
    assert.equal(gone.length, 22);
    await go(waiting);
    assert.equal(gone.at(-1), 'webpush fcm apns');
  });

  it('that fail say so when the others are over', async () => {
    const { full, gone, go } = scene();
    for (const kind of kinds) full.add(kind);
    const held = Promise.withResolvers<void>();
    let over = false;
    const failing = go(async ([kind]) => {
      if (kind === 'webpush') throw new Error('the store is away');
      if (kind === 'apns') await held.promise;
      return String(kind);
    }).finally(() => {
      over = true;
    });
    while (gone.length < 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(over, false);
    held.resolve();
    await assert.rejects(failing, /the store is away/);
    assert.deepEqual(gone, ['fcm', 'apns']);
  });
});
