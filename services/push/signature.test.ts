import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secretKey, signatures, verifies } from './signature.ts';

/** The example of the specification's reference libraries. */
const example = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampS: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

describe('signatures of Standard Webhooks', () => {
  it('are those of the reference libraries', () => {
    const { secret, id, timestampS, body, signature } = example;
    assert.equal(signatures([secretKey(secret)], id, timestampS, body), signature);
  });

  it('are one for each key, so that old and new secrets both verify', () => {
    const { secret, id, timestampS, body } = example;
    const [old, fresh, other] = [secretKey(secret), Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const header = signatures([fresh, old], id, timestampS, body);
    assert.equal(header.split(' ').length, 2);
    assert.ok(verifies(old, id, timestampS, body, header));
    assert.ok(verifies(fresh, id, timestampS, body, header));
    assert.ok(!verifies(other, id, timestampS, body, header));
  });

  it('cover id, time and body', () => {
    const { secret, id, timestampS, body, signature } = example;
    const key = secretKey(secret);
    assert.ok(verifies(key, id, timestampS, body, signature));
    assert.ok(!verifies(key, `${id}x`, timestampS, body, signature));
    assert.ok(!verifies(key, id, timestampS + 1, body, signature));
    assert.ok(!verifies(key, id, timestampS, `${body} `, signature));
    assert.ok(!verifies(key, id, timestampS, body, signature.replace('v1,', 'v2,')));
    assert.ok(!verifies(key, id, timestampS, body, ''));
  });

  it('take no secret that is none, and never show it', () => {
    const short = `whsec_${Buffer.alloc(23).toString('base64')}`;
    const long = `whsec_${Buffer.alloc(65).toString('base64')}`;
    for (const secret of [
      '',
      'whsec_',
      'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'whsec_not base64!',
      short,
      long,
    ]) {
      assert.throws(
        () => secretKey(secret),
        (error) =>
          error instanceof RangeError && (secret.length < 8 || !error.message.includes(secret.slice(7))),
      );
    }
  });
});
