import assert from 'node:assert/strict';
import { it } from 'node:test';
import { browserKeys, openWebPush } from './web-push-message.ts';

const bytes = (text: string) => Buffer.from(text, 'base64url');

/** Appendix A of RFC 8291. */
const example = {
  privateKey: bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'),
  auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  body: bytes(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  ),
};

it('the browser of the tests opens the example of RFC 8291', () => {
  const keys = browserKeys(example.auth, example.privateKey);
  assert.equal(openWebPush(example.body, keys), 'When I grow up, I want to be a watermelon');
});

it('it opens nothing else with these keys, and this with no others', () => {
  const keys = browserKeys(example.auth, example.privateKey);
  for (const at of [0, 30, 90, example.body.byteLength - 1]) {
    const touched = Buffer.from(example.body);
    touched[at] = (touched[at] as number) ^ 1;
    assert.throws(() => openWebPush(touched, keys), String(at));
  }
  assert.throws(() => openWebPush(example.body, browserKeys(example.auth)));
  assert.throws(() => openWebPush(example.body, browserKeys(Buffer.alloc(16), example.privateKey)));
});
