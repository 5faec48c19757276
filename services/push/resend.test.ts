import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { sampleLetter } from '../ports/dead-letters.conformance.ts';
import { StoreError } from '../ports/message-store.ts';
import { pushEndpointPrefix } from './notice-courier.ts';
import { resendOf } from './resend.ts';

const answers = (status: number) => async () => ({
  t: 'status' as const,
  status,
  retryAfter: undefined,
  delivered: status === 204,
});

describe('a dead letter that is sent again', () => {
  const pushLetter = sampleLetter(1, { endpoint: `${pushEndpointPrefix}fcm` });
  const couriers = new Map([
    ['app', { replay: answers(204) }],
    ['moody', { replay: answers(500) }],
  ]);

  it('goes to its endpoint, or to the device that it is for', async () => {
    const pushes = { replay: async () => ({ delivered: false, words: 'the device is gone' }) };
    const resend = resendOf({ couriers, pushes, log: silentLogger });
    assert.equal(await resend(sampleLetter(1)), undefined);
    assert.equal(await resend(sampleLetter(1, { endpoint: 'moody' })), 'status 500');
    assert.equal(await resend(sampleLetter(1, { endpoint: 'former' })), 'no endpoint former');
    assert.equal(await resend(pushLetter), 'the device is gone');
  });

  it('fails in words, whatever is thrown on its way', async () => {
    const thrown: [Error, string][] = [
      [new StoreError('unavailable', 'the store is away'), 'the store is away'],
      [new SyntaxError('not JSON'), 'internal error'],
    ];
    for (const [error, words] of thrown) {
      const pushes = { replay: () => Promise.reject(error) };
      assert.equal(await resendOf({ couriers, pushes, log: silentLogger })(pushLetter), words);
    }
  });
});
